import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { atItsEnd, jobIdOf, pathsOf, textOf, urlsOf } from "./answers.ts";
import { Bench } from "./harness.ts";
import { CLIENTS, type McpClient, type ToolResult } from "./mcp-client.ts";

const TURBO = { prompt: "A small boat at sea", image_size: "square_1_1" };

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

const picturesOf = (result: ToolResult) => result.content.filter((block) => block.type === "image");
const linksOf = (result: ToolResult) =>
  result.content.flatMap((block) => (block.type === "resource_link" ? [block.uri] : []));

/** Four megapixels that do not compress. */
async function noise(seed: number): Promise<Buffer> {
  const pixels = Buffer.alloc(2048 * 2048 * 3);
  let state = seed;
  for (let at = 0; at < pixels.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    pixels[at] = state >>> 24;
  }
  return sharp(pixels, { raw: { width: 2048, height: 2048, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

describe.each(CLIENTS)("%s", (kind) => {
  test("four noisy pictures of four megapixels: a small answer, and files to the last byte", async () => {
    const served = await Promise.all([1, 2, 3, 4].map(noise));
    for (const [index, bytes] of served.entries()) {
      bench.sandbox.faults.add({
        kind: "media-body",
        body: bytes.toString("base64"),
        encoding: "base64",
        contentType: "image/png",
        match: { path: index === 0 ? "/output.png" : `/output_${index + 1}.png` },
      });
    }
    const { client } = await bench.connect(kind);
    const result = await client.call("z_image_turbo_generate", {
      ...TURBO,
      num_images: 4,
      wait_seconds: 45,
    });
    expect(textOf(result)).toMatch(/ completed in .*: 4 images, 2048×2048 PNG/);
    expect(picturesOf(result)).toHaveLength(4);
    expect(JSON.stringify(result).length).toBeLessThan(1024 * 1024);
    for (const [index, path] of pathsOf(result).entries()) {
      expect((await readFile(path)).equals(served[index] ?? Buffer.alloc(0))).toBe(true);
    }
  }, 240_000);

  test("layers come in order, with a composite, a sheet to look at and a manifest", async () => {
    const { client } = await bench.connect(kind);
    const made = await client.call("z_image_turbo_generate", TURBO);
    const layered = await atItsEnd(
      client,
      await client.call("qwen_image_layered", {
        image_url: `longcat://media/${jobIdOf(made)}/1`,
        save_to: "layers/",
      }),
    );
    const text = textOf(layered);
    const layers = urlsOf(layered).length;
    expect(text).toContain(`: ${layers} layers, 1024×1024 PNG`);
    const paths = pathsOf(layered);
    expect(paths).toHaveLength(layers + 3);
    expect(
      paths.slice(layers).map((path) => /(composite|sheet|manifest)\.(png|json)$/.exec(path)?.[1]),
    ).toEqual(["composite", "sheet", "manifest"]);
    expect(linksOf(layered)).toHaveLength(layers + 3);
    expect(picturesOf(layered)).toHaveLength(1);
    expect(JSON.stringify(layered).length).toBeLessThan(1024 * 1024);

    const uri = (offset: number) => `longcat://media/${jobIdOf(layered)}/${layers + offset}`;
    const manifest = manifestSchema.parse(JSON.parse((await client.read(uri(3))).bytes.toString()));
    expect(manifest).toMatchObject({
      width: 1024,
      height: 1024,
      composite: uri(1),
      contact_sheet: uri(2),
    });
    expect(manifest.layers.map((layer) => layer.uri)).toEqual(linksOf(layered).slice(0, layers));
    expect(manifest.layers[0]).toMatchObject({
      coverage: 1,
      bounding_box: { left: 0, top: 0, width: 1024, height: 1024 },
    });

    // The composite is a picture like any other for the next operation.
    const edited = await client.call("qwen_image_edit", { prompt: "Brighter", image: uri(1) });
    expect(textOf(edited)).toMatch(/ completed in /);
  });

  test("a file that was moved is said to be missing, and fetched again on request", async () => {
    const { client } = await bench.connect(kind);
    const made = await client.call("z_image_turbo_generate", { ...TURBO, num_images: 2 });
    const [first = "", second = ""] = pathsOf(made);
    const bytes = await readFile(first);
    await rename(first, join(bench.folder, "elsewhere.png"));

    const look = { job_id: jobIdOf(made), previews: "on" };
    const asked = await client.call("job_status", look);
    expect(asked.isError ?? false).toBe(false);
    expect(textOf(asked)).toMatch(new RegExp(`Note: ${first} is missing: .*redownload`));
    expect(textOf(asked)).toContain(urlsOf(made)[0]);
    expect(picturesOf(asked)).toHaveLength(1);
    expect(linksOf(asked)).toEqual([`longcat://media/${jobIdOf(made)}/2`]);

    const again = await client.call("job_status", { ...look, redownload: true });
    expect(textOf(again)).not.toContain("missing");
    expect(picturesOf(again)).toHaveLength(2);
    expect((await readFile(pathsOf(again)[0] ?? "")).equals(bytes)).toBe(true);
    expect(pathsOf(again)[1]).toBe(second);
    expect(bench.posts).toBe(1);
  });

  test("pictures come again from disk, long after, in another process", async () => {
    const first = await bench.connect(kind);
    const made = await first.client.call("z_image_turbo_generate", TURBO);
    await first.client.close();
    const requests = bench.sandbox.requests().length;
    const { client } = await bench.connect(kind);
    const asked = await client.call("job_status", { job_id: jobIdOf(made) });
    expect(picturesOf(asked)).toEqual(picturesOf(made));
    expect(bench.sandbox.requests().length).toBe(requests);
  });

  test("a missing file that the provider has changed or dropped is not replaced by another", async () => {
    const { client } = await bench.connect(kind);
    const made = await client.call("z_image_turbo_generate", TURBO);
    const [path = ""] = pathsOf(made);
    await rm(path);
    const other = await sharp({ create: { width: 9, height: 9, channels: 3, background: "#000" } })
      .png()
      .toBuffer();
    bench.sandbox.faults.add({
      kind: "media-body",
      body: other.toString("base64"),
      encoding: "base64",
    });
    const changed = await restore(client, made);
    expect(textOf(changed)).toMatch(/^bad_upstream_reply: .* serves another file now/);
    bench.sandbox.faults.add({ kind: "media-status", status: 410 });
    expect(textOf(await restore(client, made))).toMatch(/^media_expired: /);
    expect(textOf(await restore(client, made))).toMatch(/ completed in /);
  });

  test("a picture that cannot be decoded is delivered as a file, with the reason", async () => {
    bench.sandbox.faults.add({
      kind: "media-body",
      body: Buffer.from("\u0089PNG\r\n\u001a\n\0\0\0\rIHDR and so on", "latin1").toString("base64"),
      encoding: "base64",
    });
    const { client } = await bench.connect(kind);
    const result = await client.call("z_image_turbo_generate", TURBO);
    expect(textOf(result)).toMatch(/ completed in [\s\S]*is not shown: it cannot be/);
    expect(picturesOf(result)).toEqual([]);
    expect(linksOf(result)).toHaveLength(1);
    expect((await readFile(pathsOf(result)[0] ?? "")).length).toBeGreaterThan(20);
  });

  test("a download that breaks off goes on where it was", async () => {
    bench.sandbox.faults.add({ kind: "media-truncate" });
    const { client } = await bench.connect(kind);
    const result = await client.call("z_image_turbo_generate", TURBO);
    const url = new URL(urlsOf(result)[0] ?? "");
    const fetches = bench.sandbox.requests().filter((one) => one.path === url.pathname);
    expect(fetches.length).toBe(2);
    const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect((await readFile(pathsOf(result)[0] ?? "")).equals(whole)).toBe(true);
  });
});

test("previews can be left out, or be the files themselves", async () => {
  const off = await bench.connect("client 2.x", "stdio", { LONGCAT_MCP_PREVIEWS: "off" });
  const made = await off.client.call("z_image_turbo_generate", { ...TURBO, output_format: "jpeg" });
  expect(picturesOf(made)).toEqual([]);
  expect(linksOf(made)).toHaveLength(1);
  const full = await bench.connect("client 2.x", "stdio", { LONGCAT_MCP_PREVIEWS: "full" });
  const shown = await full.client.call("job_status", { job_id: jobIdOf(made) });
  expect(picturesOf(shown)[0]?.mimeType).toBe("image/jpeg");
  const bytes = await readFile(pathsOf(shown)[0] ?? "");
  expect(picturesOf(shown)[0]?.data).toBe(bytes.toString("base64"));
});

const manifestSchema = z.looseObject({
  layers: z.array(z.looseObject({ uri: z.string() })),
});

function restore(client: McpClient, made: ToolResult): Promise<ToolResult> {
  return client.call("job_status", { job_id: jobIdOf(made), redownload: true });
}
