import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import sharp from "sharp";
import { Lettering } from "../src/core/lettering.ts";
import { contactSheet } from "../src/media/contact-sheet.ts";
import { composeLayers } from "../src/media/layer-composition.ts";
import { makePreviews, PREVIEW_BUDGET_BASE64 } from "../src/media/preview.ts";

const SIDE_PX = 2048;
const PICTURES = 4;
const NANOSECONDS = 1_000_000;

interface Watched {
  ms: number;
  /** The longest time for which nothing else could run, meanwhile. */
  blockedMs: number;
  /** The same in a process that does nothing. */
  idleMs: number;
}

export interface PreviewFigures {
  previews: Watched;
  layers: Watched;
}

/** Previews, and then the composite and the sheet, of four noisy pictures of four megapixels. */
export async function measurePreviews(folder: string): Promise<PreviewFigures> {
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (let index = 0; index < PICTURES; index++) {
    const path = join(folder, `noise-${index}.png`);
    const pixels = randomBytes(SIDE_PX * SIDE_PX * 4);
    const raw = { width: SIDE_PX, height: SIDE_PX, channels: 4 } as const;
    await sharp(pixels, { raw }).png({ compressionLevel: 1 }).toFile(path);
    paths.push(path);
  }
  const previews = await watched(async () => {
    const made = await makePreviews(paths, PREVIEW_BUDGET_BASE64);
    return made.map((preview) => preview?.data.toString("base64"));
  });
  const lettering = await Lettering.load();
  const layers = await watched(async () => {
    await composeLayers(paths, join(folder, "composite.png"));
    return contactSheet(
      paths.map((source, at) => ({ source, label: String(at + 1) })),
      lettering,
    );
  });
  return { previews, layers };
}

/** Watches the event loop of this process, and of an idle one beside it: the machine's own noise. */
async function watched(run: () => Promise<unknown>): Promise<Watched> {
  const idle = spawn(process.execPath, ["-e", IDLE], { stdio: ["pipe", "pipe", "inherit"] });
  await once(idle.stdout, "data");
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startedAt = performance.now();
  await run();
  const ms = performance.now() - startedAt;
  await new Promise((resolve) => setTimeout(resolve, 5));
  delay.disable();
  idle.stdin.end();
  const [told] = await once(idle.stdout, "data");
  return { ms, blockedMs: delay.max / NANOSECONDS, idleMs: Number(told) };
}

const IDLE = `
const delay = require("node:perf_hooks").monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.stdout.write("ready");
process.stdin.resume().on("end", () => process.stdout.write(String(delay.max / 1e6)));`;
