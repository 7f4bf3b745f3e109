// Takes the pictures of the pages in docs/ and of the bundle, and draws its icon: `npm run
// gen:screens`, after `npm run build`. It needs a Chromium, as `npm run test:browser` does. What they
// show was drawn by the sandbox.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import * as z from "zod";
import { ICON, ICON_TILE, SCREENSHOTS } from "../src/docs/manifest.ts";
import { openBrowser } from "../test/browser/chromium.ts";
import { ALL_CAPABILITIES, openViewerHost, type ViewerHost } from "../test/browser/viewer-host.ts";

const FOLDER = "docs/screens";
const QUALITY = 80;
/** Hosts show PNG only of what a bundle shows; smaller, and of few colours, it stays small. */
const IN_BUNDLE = { width: 900, colours: 128 };
const SIZE = { width: 1200, height: 800 };
/** For pictures that are still being decoded. */
const SETTLED_MS = 1_500;

const taken = new Set<string>();

const answerSchema = z.looseObject({
  isError: z.boolean().optional(),
  content: z.array(z.looseObject({ text: z.string().optional() })),
});

/** Calls a tool, and says which job it was. */
async function jobOf(host: ViewerHost, name: string, args: Record<string, unknown>) {
  const { isError, content } = answerSchema.parse(
    await host.call(name, { wait_seconds: 40, ...args }),
  );
  const text = content.map((block) => block.text ?? "").join("\n");
  const jobId = /job_[a-z2-7]{26}/.exec(text)?.[0];
  if (isError || jobId === undefined) throw new Error(`${name}: ${text}`);
  return { jobId, picture: `longcat://media/${jobId}/1` };
}

async function shoot(page: Page, name: string, folder: string): Promise<void> {
  await page.waitForTimeout(SETTLED_MS);
  // A temporary folder says nothing to a reader.
  await page.evaluate((from) => {
    for (const cell of document.querySelectorAll("dd")) {
      const text = cell.textContent ?? "";
      if (text.includes(from)) cell.textContent = text.replace(from, "~/Pictures/longcat-mcp");
    }
  }, `${folder}/pictures`);
  const png = await page.screenshot();
  await sharp(png).webp({ quality: QUALITY, effort: 6 }).toFile(`${FOLDER}/${name}.webp`);
  const [shown = ""] = name.split("-");
  const path = SCREENSHOTS.find((one) => one === `assets/${shown}.png`);
  // The first of its name: what follows shows the same in other colours.
  if (path === undefined || taken.has(path)) return;
  taken.add(path);
  await sharp(png)
    .resize({ width: IN_BUNDLE.width, withoutEnlargement: true })
    .png({ palette: true, colours: IN_BUNDLE.colours, effort: 10, compressionLevel: 9 })
    .toFile(path);
}

/** Some of everything that a person may have made. */
async function makePictures(host: ViewerHost) {
  const cabin = await jobOf(host, "longcat_image_generate", {
    prompt: "Lake cabin at dawn, mist on the water, a wooden sign that says OPEN",
    image_size: "landscape_4_3",
  });
  await jobOf(host, "z_image_turbo_generate", {
    prompt: "Neon city street after rain, reflections, one cyclist",
    image_size: "portrait_3_4",
  });
  await jobOf(host, "qwen_image_max_generate", {
    prompt: "Snowy peaks over clouds, first sunlight, wide view",
    image_size: "landscape_hd",
  });
  const poster = await jobOf(host, "qwen_image_generate", {
    prompt: "A poster of a jazz festival in bold shapes",
  });
  await jobOf(host, "longcat_chat", { prompt: "Three names for a jazz festival by a lake" });
  const edit = await jobOf(host, "qwen_image_edit", {
    prompt: "A starry winter night now; keep the cabin and the sign as they are",
    image: cabin.picture,
  });
  const layers = await jobOf(host, "qwen_image_layered", { image_url: poster.picture });
  return { edit, layers };
}

async function shootViewer(host: ViewerHost, jobs: { layers: { jobId: string } }): Promise<void> {
  await host.page.setViewportSize({ width: 760, height: 600 });
  await host.show("longcat_image_generate", {
    prompt: "A fox in a birch forest, watercolour",
    image_size: "square_1_1",
    num_images: 4,
    wait_seconds: 40,
  });
  await shoot(host.page, "viewer-light", host.folder);
  await host.reopen(ALL_CAPABILITIES, "dark");
  await host.page.emulateMedia({ colorScheme: "dark" });
  await host.show("job_status", { job_id: jobs.layers.jobId });
  await shoot(host.page, "viewer-dark", host.folder);
}

/** The gallery of the same pictures, and the link that lets somebody in. */
async function openGallery(folder: string): Promise<{ link: string; child: ChildProcess }> {
  const child = spawn(process.execPath, ["dist/cli.js", "gallery", "--sandbox"], {
    env: {
      PATH: process.env["PATH"],
      HOME: folder,
      LONGCAT_MCP_DATA_DIR: `${folder}/data`,
      LONGCAT_MCP_OUTPUT_DIR: `${folder}/pictures`,
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [link] = await once(createInterface({ input: child.stdout }), "line");
  return { link: String(link), child };
}

async function shootGallery(
  browser: Browser,
  { link, folder }: { link: string; folder: string },
  jobs: Record<"edit" | "layers", { jobId: string }>,
): Promise<void> {
  const page = await browser.newPage({ viewport: SIZE, colorScheme: "light" });
  await page.goto(link);
  await page.waitForURL(`${new URL(link).origin}/`);
  const go = (path: string) => page.goto(new URL(path, link).href);
  await shoot(page, "gallery-light", folder);
  await go("/spending");
  await shoot(page, "spending-light", folder);
  await page.emulateMedia({ colorScheme: "dark" });
  await go("/");
  await shoot(page, "gallery-dark", folder);
  await go(`/jobs/${jobs.layers.jobId}`);
  await shoot(page, "layers-dark", folder);
  await go(`/jobs/${jobs.edit.jobId}`);
  await shoot(page, "edit-dark", folder);
  await page.setViewportSize({ width: 390, height: 780 });
  await go("/");
  await shoot(page, "gallery-phone", folder);
}

await mkdir(FOLDER, { recursive: true });
await sharp(ICON_TILE).png({ palette: true, effort: 10 }).toFile(ICON);
const browser = await openBrowser();
const host = await openViewerHost(browser);
try {
  const jobs = await makePictures(host);
  await shootViewer(host, jobs);
  const { link, child } = await openGallery(host.folder);
  try {
    await shootGallery(browser, { link, folder: host.folder }, jobs);
  } finally {
    child.kill();
  }
} finally {
  await host.close();
  await browser.close();
}
