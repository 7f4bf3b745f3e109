import { access, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { finished, jobIdOf, urlsOf } from "./answers.ts";
import { Bench } from "./harness.ts";
import type { McpClient, ToolResult } from "./mcp-client.ts";

const CAT = { prompt: "A cat", image_size: "square_1_1" };

function savedIn(result: ToolResult): string[] {
  return result.content.flatMap((block) =>
    [...(block.text ?? "").matchAll(/^\d+\. (\/.*)$/gm)].map(([, path = ""]) => path),
  );
}

function allText(result: ToolResult): string {
  return result.content.map((block) => block.text ?? "").join("\n");
}

describe("what was made is taken to where its user wants it", () => {
  let bench: Bench;
  let client: McpClient;
  let desktop: string;
  let layers: string;
  let cat: string;
  /** How many layers there are; behind them are composite, sheet and manifest. */
  let count: number;

  beforeAll(async () => {
    bench = await Bench.open();
    desktop = join(bench.homeDir, "Schreibtisch");
    await mkdir(desktop, { recursive: true });
    await mkdir(join(bench.homeDir, "Pictures"));
    await mkdir(join(bench.homeDir, ".config"));
    const named = 'XDG_DESKTOP_DIR="$HOME/Schreibtisch"\nXDG_DOWNLOAD_DIR="$HOME/"\n';
    await writeFile(join(bench.homeDir, ".config", "user-dirs.dirs"), named);
    ({ client } = await bench.connect("sdk 1.x"));
    const made = await client.call("z_image_turbo_generate", CAT);
    cat = jobIdOf(made);
    const layered = await finished(
      client,
      jobIdOf(await client.call("qwen_image_layered", { image_url: uri(cat, 1) })),
    );
    layers = jobIdOf(layered);
    count = urlsOf(layered).length;
  });

  afterAll(() => bench.close());

  const uri = (job: string, index: number) => `longcat://media/${job}/${index}`;
  const save = (args: Record<string, unknown>) => client.call("media_save", args);

  it("put layer 2 on my desktop: one call, one file", async () => {
    const result = await save({
      media: uri(layers, 2),
      save_to: `${desktop}/layer 2.png`,
      format: "png",
    });
    expect(result.isError, allText(result)).toBeFalsy();
    expect(savedIn(result)).toEqual([join(desktop, "layer 2.png")]);
    expect(await readdir(desktop)).toEqual(["layer 2.png"]);
    const { format, width } = await sharp(join(desktop, "layer 2.png")).metadata();
    expect({ format, isWide: (width ?? 0) > 100 }).toEqual({ format: "png", isWide: true });
    expect((await stat(join(desktop, "layer 2.png"))).mode & 0o777).toBe(0o600);
    expect(result.content.filter(({ type }) => type === "resource_link")).toEqual([
      expect.objectContaining({ uri: uri(layers, 2), name: "layer 2.png", mimeType: "image/png" }),
    ]);
  });

  it("all of a job are the provider's files, numbered, and nothing is overwritten", async () => {
    const folder = join(desktop, "all");
    const first = await save({ job_id: layers, save_to: `${folder}/layer.jpg` });
    const names = Array.from({ length: count }, (_, at) => `layer-${at + 1}.jpg`);
    expect(await readdir(folder)).toEqual(names.toSorted());
    expect(first.content.filter(({ type }) => type === "resource_link")).toHaveLength(count);
    await save({ job_id: layers, index: 1, save_to: `${folder}/layer-1.jpg` });
    expect(await readdir(folder)).toContain("layer-1-2.jpg");
    const { format } = await sharp(join(folder, "layer-1-2.jpg")).metadata();
    expect(format).toBe("jpeg");
  });

  it("a list is looked at whole before anything is written", async () => {
    const folder = join(desktop, "none");
    for (const media of [
      [uri(cat, 1), uri(cat, 7)],
      [uri(cat, 1), uri(`job_${"a".repeat(26)}`, 1)],
      [uri(cat, 1), "https://example.com/cat.png"],
    ]) {
      const result = await save({ media, save_to: `${folder}/` });
      expect(result.isError, media[1]).toBe(true);
    }
    const manifest = await save({
      media: [uri(layers, 1), uri(layers, count + 3)],
      save_to: `${folder}/`,
      format: "png",
    });
    expect(allText(manifest)).toContain("is for pictures");
    await expect(access(folder)).rejects.toThrow();
  });

  it.each([
    [
      { save_to: "/etc/cat.png" },
      /outside the allowed folders[\s\S]*Schreibtisch[\s\S]*LONGCAT_MCP_SAVE_DIRS/,
    ],
    [{ save_to: "~/cat.png" }, /outside the allowed folders/],
    [{ save_to: "~/Schreibtisch/.cat.png" }, /is hidden/],
    [{ save_to: "~/Schreibtisch/con.png" }, /Windows reserves/],
    [{ save_to: "~/Schreibtisch/cat.desktop" }, /cannot become a \.desktop/],
    [{ save_to: "~/Schreibtisch/cat.gif" }, /cannot become a \.gif/],
    [{ save_to: "~/Schreibtisch/", format: "png", quality: 80 }, /`quality` is not for png/],
    [{ save_to: "~/Schreibtisch/", format: "gif" }, /png.*jpeg.*webp/],
    [{ save_to: "~/Schreibtisch/", media: ["longcat://media/x/1"] }, /not both/],
  ] as const)("%j is refused", async (args, why) => {
    const before = await readdir(desktop);
    const result = await save({ job_id: cat, ...args });
    expect(result.isError).toBe(true);
    expect(allText(result)).toMatch(why);
    expect(await readdir(desktop)).toEqual(before);
  });

  it("the user's own folders are written to and not read", async () => {
    await writeFile(join(desktop, "private.txt"), "mine");
    const asked = await client.call("longcat_chat", {
      prompt: "?",
      files: [join(desktop, "private.txt")],
    });
    expect(asked.isError).toBe(true);
    expect(allText(asked)).toContain("outside the allowed folders");
    const edited = await client.call("qwen_image_edit", {
      prompt: "?",
      image: join(desktop, "layer 2.png"),
    });
    expect(edited.isError).toBe(true);
  });

  it("doctor tells where files may be saved, and where nothing is read", async () => {
    const doctor = bench.launch(["doctor"]);
    await doctor.start();
    await doctor.exited();
    const lines = [doctor.output, ...doctor.strayLines].join("\n");
    const places = [desktop, join(bench.homeDir, "Pictures")].join(", ");
    expect(lines).toContain(`without being read: ${places}`);
    expect(lines).toContain(bench.outputDir);
  });

  it("an answer goes there as a text that nothing runs, however short it is", async () => {
    const asked = await client.call("longcat_chat", { prompt: "Say something", wait_seconds: 45 });
    const job_id = jobIdOf(asked);
    for (const name of ["answer.desktop", "answer.html", "answer.svg", "answer.sh", "answer.py"]) {
      const refused = await save({ job_id, save_to: join(desktop, name) });
      expect(refused.isError, name).toBe(true);
      expect(allText(refused)).toContain(".md, .txt, .json, .csv");
    }
    const saved = await save({ job_id, save_to: join(desktop, "answer.txt") });
    expect(savedIn(saved)).toEqual([join(desktop, "answer.txt")]);
    expect((await readFile(join(desktop, "answer.txt"), "utf8")).length).toBeGreaterThan(10);
    const shrunk = await save({ job_id, save_to: desktop, max_side: 100 });
    expect(allText(shrunk)).toContain("`max_side` is for pictures");
    // Before anything is asked, too.
    const posts = bench.posts;
    const early = await client.call("longcat_chat", {
      prompt: "A script",
      save_to: join(desktop, "run.sh"),
    });
    expect(early.isError).toBe(true);
    expect(bench.posts).toBe(posts);
  });

  it("a repeated call with another place saves what stands for it; a wrong place is refused at once", async () => {
    const args = { prompt: "A boat", image_size: "square_1_1", idempotency_key: "boat" };
    const job = jobIdOf(await client.call("z_image_turbo_generate", args));
    const posts = bench.posts;
    const again = await client.call("z_image_turbo_generate", {
      ...args,
      save_to: `${desktop}/boat.png`,
    });
    expect(jobIdOf(again)).toBe(job);
    expect(savedIn(again)).toContain(join(desktop, "boat.png"));
    expect(await readdir(desktop)).toContain("boat.png");
    const refused = await client.call("z_image_turbo_generate", {
      ...args,
      save_to: "/etc/boat.png",
    });
    expect(refused.isError).toBe(true);
    expect(allText(refused)).toMatch(/outside the allowed folders[\s\S]*LONGCAT_MCP_SAVE_DIRS/);
    expect(bench.posts).toBe(posts);
  });

  it("a call repeated as it was finds its copy and makes no second one", async () => {
    const args = {
      prompt: "A kite",
      image_size: "square_1_1",
      idempotency_key: "kite",
      save_to: join(bench.homeDir, "Pictures", "kite.png"),
    };
    for (let i = 0; i < 2; i++) await client.call("z_image_turbo_generate", args);
    expect(await readdir(join(bench.homeDir, "Pictures"))).toEqual(["kite.png"]);
  });

  it("what cannot be written leaves nothing", async () => {
    const closed = join(desktop, "closed");
    await writeFile(closed, "a file, where a folder would have to be");
    const before = await readdir(desktop);
    const result = await save({ job_id: cat, save_to: join(closed, "cat.png") });
    expect(result.isError).toBe(true);
    expect(await readdir(desktop)).toEqual(before);
  });
});

test("LONGCAT_MCP_SAVE_DIRS stands in place of the user's own folders; none means none", async () => {
  const bench = await Bench.open();
  try {
    await mkdir(join(bench.homeDir, "Desktop"), { recursive: true });
    await mkdir(join(bench.folder, "elsewhere"));
    for (const [dirs, allowed, refused] of [
      [
        join(bench.folder, "elsewhere"),
        join(bench.folder, "elsewhere"),
        join(bench.homeDir, "Desktop"),
      ],
      ["none", bench.outputDir, join(bench.homeDir, "Desktop")],
    ] as const) {
      const env = { LONGCAT_MCP_SAVE_DIRS: dirs };
      const { client } = await bench.connect("client 2.x", "stdio", env);
      const made = await client.call("z_image_turbo_generate", {
        prompt: "A cat",
        image_size: "square_1_1",
      });
      const job_id = jobIdOf(made);
      const good = await client.call("media_save", { job_id, save_to: `${allowed}/` });
      expect(good.isError, allText(good)).toBeFalsy();
      expect((await client.call("media_save", { job_id, save_to: `${refused}/` })).isError).toBe(
        true,
      );
    }
    expect(await readdir(join(bench.homeDir, "Desktop"))).toEqual([]);
  } finally {
    await bench.close();
  }
});
