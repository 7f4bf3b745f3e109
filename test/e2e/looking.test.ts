import { readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { tokensIn } from "../support/tokens.ts";
import { finished, jobIdOf, pathsOf, textOf, urlsOf } from "./answers.ts";
import { Bench } from "./harness.ts";
import { CLIENTS, type McpClient, type ToolResult } from "./mcp-client.ts";

const SIX = { prompt: "Boats at sea", image_size: "square_1_1", num_images: 6 };
const TURBO = { prompt: "A small boat at sea", image_size: "square_1_1" };

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

const picturesOf = (result: ToolResult) => result.content.filter((block) => block.type === "image");
const linksOf = (result: ToolResult) =>
  result.content.filter((block) => block.type === "resource_link");

const jobSchema = z.looseObject({
  media: z.array(z.looseObject({ path: z.string(), role: z.string().optional() })),
  warnings: z.array(z.string()).optional(),
});

async function viewed(client: McpClient, jobId: string) {
  return jobSchema.parse(JSON.parse((await client.read(`longcat://jobs/${jobId}`)).text));
}

async function sheetsIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.includes("sheet"));
}

describe.each(CLIENTS)("%s", (kind) => {
  test("six pictures come as one numbered sheet, which is made once and kept beside them", async () => {
    const { client } = await bench.connect(kind);
    const made = await client.call("longcat_image_generate", { ...SIX, wait_seconds: 45 });
    const text = textOf(made);
    expect(text).toMatch(/ completed in .*: 6 images, /);
    expect(pathsOf(made)).toHaveLength(6);
    expect(linksOf(made)).toHaveLength(6);
    const [sheet, ...others] = picturesOf(made);
    expect(others).toEqual([]);
    const shape = await sharp(Buffer.from(sheet?.data ?? "", "base64")).metadata();
    expect([shape.width, shape.height]).toEqual([1024, 750]);

    const folder = dirname(pathsOf(made)[0] ?? "");
    const [name = "", ...more] = await sheetsIn(folder);
    expect(more).toEqual([]);
    expect(text).toContain(`All pictures are shown on one sheet, numbered as in the list: `);
    expect(text).toContain(join(folder, name));
    const view = await viewed(client, jobIdOf(made));
    expect(view.media.at(-1)).toMatchObject({ role: "sheet", path: join(folder, name) });

    const { mtimeMs } = await stat(join(folder, name));
    const look = { job_id: jobIdOf(made), previews: "sheet" };
    expect(picturesOf(await client.call("job_status", look))).toEqual([sheet]);
    expect((await stat(join(folder, name))).mtimeMs).toBe(mtimeMs);

    await rm(join(folder, name));
    expect(picturesOf(await client.call("job_status", look))).toEqual([sheet]);
    expect(await sheetsIn(folder)).toHaveLength(1);
    const apart = await client.call("job_status", { ...look, previews: "on" });
    expect(picturesOf(apart)).toHaveLength(6);

    const listed = await client.call("job_list", {});
    expect(listed.structuredContent).toMatchObject({ jobs: [{ files: 6 }] });
    const [kept = ""] = await sheetsIn(folder);
    expect((await stat(join(folder, kept))).mode & 0o777).toBe(0o600);
    const job_id = jobIdOf(made);
    const saved = await client.call("media_save", { job_id, save_to: "copies/" });
    expect(linksOf(saved)).toHaveLength(6);
    await client.call("job_delete", { job_id, files: true });
    expect(await readdir(folder).catch(() => [])).toEqual([]);
  });

  test("a second look at a result brings text only, unless pictures are asked for", async () => {
    const { client } = await bench.connect(kind);
    const made = await client.call("z_image_turbo_generate", TURBO);
    expect(picturesOf(made)).toHaveLength(1);
    const look = { job_id: jobIdOf(made) };
    const again = await client.call("job_status", look);
    expect(picturesOf(again)).toEqual([]);
    expect(textOf(again)).toContain(
      'Pictures as before: `previews: "on"` or `"sheet"` shows them.',
    );
    expect(linksOf(again)).toHaveLength(1);
    expect(tokensIn(textOf(again))).toBeLessThan(250);
    expect(picturesOf(await client.call("job_status", { ...look, previews: "on" }))).toEqual(
      picturesOf(made),
    );
    // Another connection has seen nothing yet.
    const { client: other } = await bench.connect(kind);
    expect(picturesOf(await other.call("job_status", look))).toEqual(picturesOf(made));
    expect(picturesOf(await other.call("job_status", look))).toEqual([]);
  });

  test("over stateless HTTP every look is a first one, and can do without", async () => {
    const { client } = await bench.connect(kind, "http");
    const made = await client.call("z_image_turbo_generate", TURBO);
    const look = { job_id: jobIdOf(made) };
    expect(picturesOf(await client.call("job_status", look))).toEqual(picturesOf(made));
    expect(picturesOf(await client.call("job_status", { ...look, previews: "off" }))).toEqual([]);
  });

  test("a call that wants no pictures gets none, and its first look is over all the same", async () => {
    const { client } = await bench.connect(kind);
    const made = await client.call("z_image_turbo_generate", { ...TURBO, previews: "off" });
    expect(picturesOf(made)).toEqual([]);
    const look = { job_id: jobIdOf(made) };
    expect(picturesOf(await client.call("job_status", look))).toEqual([]);
    expect(
      picturesOf(await client.call("job_status", { ...look, previews: "sheet" })),
    ).toHaveLength(1);
  });

  test("a warning is said once, and stays in the job", async () => {
    const { client } = await bench.connect(kind);
    const made = await client.call("z_image_turbo_generate", TURBO);
    const edited = await client.call("qwen_image_max_edit", {
      prompt: "Brighter",
      image_urls: [urlsOf(made)[0]],
    });
    const warning = "An http: address was given; the provider advises https.";
    expect(textOf(edited)).toContain(`Note: ${warning}`);
    for (const connected of [client, (await bench.connect(kind)).client]) {
      const again = await connected.call("job_status", { job_id: jobIdOf(edited) });
      expect(textOf(again)).not.toContain(warning);
    }
    expect((await viewed(client, jobIdOf(edited))).warnings).toEqual([warning]);
  });

  test("a running job says when to look again, and how long such jobs take here", async () => {
    const { client } = await bench.connect(kind);
    const ZIP = "https://assets.example/pairs.zip";
    const training = { image_data_url: ZIP, default_caption: "Brighter", steps: 100 };
    const started = await client.call("qwen_image_edit_plus_train", {
      ...training,
      wait_seconds: 0,
    });
    expect(textOf(started)).toMatch(
      /^job_\w+ is \w+ for [\d.]+ s [\s\S]*\nNext: call `job_status` with job_id "job_\w+": look again in about 10 min\. Such jobs usually take 10 min\. The job goes on by itself\.$/,
    );
    await finished(client, jobIdOf(started));
    const next = await client.call("qwen_image_edit_plus_train", {
      ...training,
      force_new: true,
      wait_seconds: 0,
    });
    expect(textOf(next)).toMatch(
      /: look again in about 5 s\. Such jobs usually take \d+ s here\. The job goes on/,
    );
  });
});
