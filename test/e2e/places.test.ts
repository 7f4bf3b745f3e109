import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jobIdOf, pathsOf, textOf } from "./answers.ts";
import { Bench } from "./harness.ts";
import type { McpClient } from "./mcp-client.ts";

describe("places and names, through the built program", () => {
  let bench: Bench;
  let client: McpClient;

  beforeAll(async () => {
    bench = await Bench.open();
    ({ client } = await bench.connect("sdk 1.x"));
    await mkdir(join(bench.folder, "saved"));
    await writeFile(join(bench.folder, "notes.txt"), Buffer.from("\uFEFFUTF-16 words", "utf16le"));
  });

  afterAll(() => bench.close());

  const generate = (args: Record<string, unknown>) =>
    client.call("z_image_turbo_generate", { image_size: "square_1_1", force_new: true, ...args });

  it.each([
    [".vscode/tasks.json", "is hidden"],
    [".mcp.json", "is hidden"],
    ["https://example.com/cat.png", "is no path"],
    ["/etc/cat.png", "outside the allowed folders"],
    ["cat.exe", "no result of this call"],
    [`${"x".repeat(300)}.png`, "304 bytes"],
    ["notes.txt/cat.png", "is a file, not a folder"],
  ])("save_to %s is refused; nothing is recorded or sent", async (saveTo, why) => {
    const posts = bench.posts;
    const result = await generate({ prompt: "A cat", save_to: saveTo });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain(why);
    expect(jobIdOf(result)).toBe("");
    expect(bench.posts).toBe(posts);
  });

  it("save_to is written like an input path, and a taken name gets a number", async () => {
    const saveTo = pathToFileURL(join(bench.folder, "saved", "Zürich 水墨画.png")).href;
    for (let i = 0; i < 2; i++) await generate({ prompt: "A cat", save_to: saveTo });
    expect((await readdir(join(bench.folder, "saved"))).sort()).toEqual([
      "Zürich 水墨画-2.png",
      "Zürich 水墨画.png",
    ]);
  });

  it("names hold the prompt's words in any script", async () => {
    const [path] = pathsOf(await generate({ prompt: "水墨画, Москва и İstanbul" }));
    expect(path).toContain("z-image-turbo-generate-水墨画-Москва-и-İstanbul-");
  });

  it("the delegate reads UTF-16 and its earlier answers, and refuses what it cannot read", async () => {
    const first = await client.call("longcat_chat", { prompt: "Hello", files: ["notes.txt"] });
    expect(textOf(first)).toMatch(/ completed in /);
    const again = await client.call("longcat_chat", {
      prompt: "And?",
      files: [`longcat://jobs/${jobIdOf(first)}`],
    });
    expect(textOf(again)).toMatch(/ completed in /);
    const picture = await generate({ prompt: "A dog" });
    for (const [file, why] of [
      [`longcat://media/${jobIdOf(picture)}/1`, "this model reads text only"],
      [pathsOf(picture)[0] ?? "", "this model reads text only"],
      ["+(+(a|aa)|b)", "group of names inside another"],
      ["{1..1000000}", "more than 200 patterns"],
      ["nothing.txt", "does not exist"],
      ["/etc/passwd", "outside the allowed folders"],
    ] as const) {
      const posts = bench.posts;
      const result = await client.call("longcat_chat", { prompt: "What?", files: [file] });
      expect(result.isError, file).toBe(true);
      expect(textOf(result)).toContain(why);
      expect(textOf(result)).not.toMatch(/outside.*does not exist/);
      expect(bench.posts).toBe(posts);
    }
  });
});
