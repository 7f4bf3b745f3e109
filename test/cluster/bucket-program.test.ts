import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { finished, jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench } from "../e2e/harness.ts";
import type { McpClient } from "../e2e/mcp-client.ts";
import { bucketKeyOf } from "../support/bucket-keys.ts";
import { freePort } from "../support/free-port.ts";
import { picture } from "../support/pictures.ts";
import { zipOf } from "../support/zip.ts";
import { keysIn, testBucket } from "./test-bucket.ts";

/* The built program, with its files in a bucket of a real S3 server. */

let bench: Bench;
let prefix: string;
let env: Record<string, string>;

beforeEach(async () => {
  bench = await Bench.open();
  prefix = randomUUID();
  env = environment();
  await writeFile(join(bench.folder, "a.png"), await picture("png", { width: 320, height: 200 }));
});
afterEach(() => bench.close());

/** What names the bucket and the keys to it. */
function environment(setting = "LONGCAT_MCP_MEDIA_URL"): Record<string, string> {
  const {
    TEST_MEDIA_URL = "",
    AWS_ACCESS_KEY_ID = "",
    AWS_SECRET_ACCESS_KEY = "",
    AWS_SESSION_TOKEN = "",
  } = process.env;
  const url = new URL(TEST_MEDIA_URL);
  url.pathname = `${url.pathname}/${prefix}`;
  return { [setting]: url.href, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN };
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const images = (result: { content: { type: string }[] }) =>
  result.content.filter(({ type }) => type === "image").length;

async function draw(client: McpClient, more: Record<string, unknown> = {}) {
  const fox = { prompt: "A red fox", image_size: "square_1_1", wait_seconds: 0 };
  const started = await client.call("z_image_turbo_generate", { ...fox, ...more });
  expect(started.isError, textOf(started)).not.toBe(true);
  return { jobId: jobIdOf(started), result: await finished(client, jobIdOf(started)) };
}

describe("on stdio", () => {
  test("a picture lies in the bucket alone, and is shown, read, saved and deleted from there", async () => {
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    const { jobId, result } = await draw(client);
    const [key = "", ...others] = await keysIn(testBucket(prefix));
    expect(others).toEqual([]);
    expect(key).toMatch(
      /^.*\/media\/local\/\d{4}-\d\d-\d\d\/job_\w{26}\/z-image-turbo-generate-a-red-fox-\w{6}-1\.png$/,
    );
    expect(textOf(result)).toContain(" completed ");
    expect(textOf(result)).not.toContain(prefix);
    expect(images(result)).toBe(1);
    expect(await readdir(bench.outputDir).catch(() => [])).toEqual([]);

    const view = JSON.parse((await client.read(`longcat://jobs/${jobId}`)).text);
    expect(view.media).toMatchObject([{ path: null }]);
    const { bytes } = await client.read(`longcat://media/${jobId}/1`);
    const saved = await client.call("media_save", { job_id: jobId, save_to: "out/fox.png" });
    expect(textOf(saved)).toContain("fox.png");
    expect(sha256(await readFile(join(bench.outputDir, "fox.png")))).toBe(sha256(bytes));

    await client.call("job_delete", { job_id: jobId, files: true });
    expect(await keysIn(testBucket(prefix))).toEqual([]);
  });

  test("layers, their composite, sheet and manifest lie beside each other", async () => {
    const { client } = await bench.connect("client 2.x", "stdio", env);
    const started = await client.call("qwen_image_layered", {
      image_url: "a.png",
      wait_seconds: 0,
    });
    const result = await finished(client, jobIdOf(started));
    expect(textOf(result)).toContain(" completed ");
    const keys = (await keysIn(testBucket(prefix))).map(bucketKeyOf);
    const { folders, names } = {
      folders: new Set(keys.map(({ job }) => job)),
      names: keys.map(({ name }) => name),
    };
    expect(folders.size).toBe(1);
    for (const end of ["composite.png", "sheet.png", "manifest.json"]) {
      expect(
        names.some((name) => name.endsWith(end)),
        end,
      ).toBe(true);
    }
    expect(images(result)).toBe(1);
  });

  test("local pictures and training sets reach the provider without a public address", async () => {
    const { client } = await bench.connect(
      "sdk 1.x",
      "stdio",
      environment("LONGCAT_MCP_HOSTING_URL"),
    );
    const edit = { prompt: "Make it night", image_urls: ["a.png"], wait_seconds: 40 };
    const edited = await client.call("qwen_image_max_edit", edit);
    const shown = await finished(client, jobIdOf(edited));
    expect(textOf(shown)).toContain(" completed ");
    // Results stay on this disk.
    expect(textOf(shown)).toContain(bench.outputDir);
    const post = bench.sandbox.requests().findLast(({ method }) => method === "POST");
    const [url = ""] = /http[^"]+/.exec(JSON.stringify(post?.body)) ?? [];
    expect(new URL(url).searchParams.get("X-Amz-Expires")).toBe("86400");
    expect(url).not.toContain(process.env["AWS_SECRET_ACCESS_KEY"]);

    const set = [1, 2, 3, 4, 5].map((n) => ({ name: `${n}.png`, text: `a fox ${n}` }));
    const small = await picture("png", { width: 512, height: 512 });
    await writeFile(
      join(bench.folder, "set.zip"),
      await zipOf(
        Object.fromEntries(
          set.flatMap(({ name, text }) => [
            [name, small],
            [name.replace("png", "txt"), Buffer.from(text)],
          ]),
        ),
      ),
    );
    const trained = await client.call("qwen_image_edit_plus_train", {
      image_data_url: "set.zip",
      steps: 100,
      max_cost_usd: 100,
    });
    expect(textOf(await finished(client, jobIdOf(trained)))).toContain(" completed ");
    await expect.poll(() => keysIn(testBucket(prefix)), { timeout: 30_000 }).toEqual([]);
  });

  test("a bucket that the provider cannot see is told of before anything is bought", async () => {
    const far = { ...env, PIXAZO_BASE_URL: "https://gateway.example" };
    const { client } = await bench.connect("sdk 1.x", "stdio", far);
    const refused = await client.call("qwen_image_max_edit", {
      prompt: "Night",
      image_urls: ["a.png"],
    });
    expect(refused.isError).toBe(true);
    expect(textOf(refused)).toMatch(/^configuration: .*public_endpoint=/s);
    expect(await keysIn(testBucket(prefix))).toEqual([]);
    expect(bench.posts).toBe(0);
  });
});

test("over HTTP files are had by links, each checked here and answered by the bucket", async () => {
  const port = await freePort();
  const { client } = await bench.connect("client 2.x", "http", {
    ...env,
    LONGCAT_MCP_PUBLIC_PORT: String(port),
  });
  const tools = await client.listTools();
  for (const { name, inputSchema } of tools) {
    expect(JSON.stringify(inputSchema), name).not.toContain("save_to");
  }
  const { result } = await draw(client);
  const [link = ""] = /http:\/\/127\.0\.0\.1:\d+\/media\/\S+/.exec(textOf(result)) ?? [];
  const answer = await fetch(link, { redirect: "manual" });
  expect(answer.status).toBe(302);
  const address = new URL(answer.headers.get("location") ?? "");
  expect(Number(address.searchParams.get("X-Amz-Expires"))).toBeLessThanOrEqual(60);
  const whole = await fetch(link);
  expect(whole.headers.get("content-type")).toBe("image/png");
  expect(whole.headers.get("content-disposition")).toMatch(/^attachment; filename="z-image/);
  const bytes = Buffer.from(await whole.arrayBuffer());
  const part = await fetch(address, { headers: { range: "bytes=1-3" } });
  expect(part.status).toBe(206);
  expect(await part.text()).toBe("PNG");
  expect(bytes.subarray(1, 4).toString()).toBe("PNG");
  expect((await fetch(link, { method: "HEAD" })).status).toBe(200);
  address.searchParams.set("response-content-type", "text/html");
  expect((await fetch(address)).status).toBe(403);
  expect((await fetch(`${link}x`, { redirect: "manual" })).status).toBe(404);
});

describe("a start", () => {
  async function ending(
    change: Record<string, string>,
  ): Promise<{ code: number | null; said: string }> {
    const program = bench.launch([], { ...env, ...change });
    const code = await new Promise<number | null>((resolve) => program.child.once("exit", resolve));
    return { code, said: program.stderr };
  }

  test("with a wrong secret or a bucket that is not there ends with a line", async () => {
    const url = new URL(env["LONGCAT_MCP_MEDIA_URL"] ?? "");
    const secret = "no-secret-of-this-server";
    const wrong = await ending({ AWS_SECRET_ACCESS_KEY: secret });
    expect(wrong.code).toBe(2);
    expect(wrong.said).toMatch(
      /^longcat-mcp: The bucket .* the secret key is wrong \(it answered 403 SignatureDoesNotMatch\)\.\n$/,
    );
    url.hostname = "no-such-bucket";
    const missing = await ending({ LONGCAT_MCP_MEDIA_URL: url.href });
    expect(missing.code).toBe(2);
    expect(missing.said).toContain("there is no such bucket");
    expect(missing.said.trim().split("\n")).toHaveLength(1);
  });
});
