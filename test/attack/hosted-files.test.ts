import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { finished, jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench, PATIENTLY } from "../e2e/harness.ts";
import type { McpClient, ToolResult } from "../e2e/mcp-client.ts";
import { freePort } from "../support/free-port.ts";
import { picture } from "../support/pictures.ts";

const EDIT = "qwen_image_max_edit";

let bench: Bench;
let port: number;
let env: Record<string, string>;

beforeEach(async () => {
  bench = await Bench.open();
  port = await freePort();
  env = {
    LONGCAT_MCP_PUBLIC_URL: `http://127.0.0.1:${port}`,
    LONGCAT_MCP_PUBLIC_PORT: String(port),
  };
  await writeFile(join(bench.folder, "a.png"), await picture("png", { width: 320, height: 200 }));
  await writeFile(join(bench.folder, "b.png"), await picture("png", { width: 200, height: 320 }));
});

afterEach(() => bench.close());

/** Names of everything that is kept for the provider, served or not. */
async function kept(): Promise<string[]> {
  const folder = join(bench.dataDir, "hosted");
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return found.filter((one) => one.isFile() && one.name !== "key").map((one) => one.name);
}

function sentUrls(): string[] {
  const posts = bench.sandbox.requests().filter((one) => one.method === "POST");
  const bodies = posts.map((one) => JSON.stringify(one.body ?? "")).join("\n");
  return [...bodies.matchAll(/"(http[^"]*\/files\/[^"]*)"/g)].map((match) => match[1] ?? "");
}

const statusOf = (url: string) =>
  fetch(url).then(
    (reply) => reply.status,
    () => 0,
  );

const edit = (client: McpClient, files: string[], more: Record<string, unknown> = {}) =>
  client.call(EDIT, { prompt: "Make it night", image_urls: files, wait_seconds: 0, ...more });

/** Jobs that wait at the provider until told. */
const stuck = () => bench.sandbox.faults.add({ kind: "job-stuck", times: 0 });

describe("nothing is published for a purchase that is not made", () => {
  const refusals: [string, Record<string, string>, Record<string, unknown>, RegExp][] = [
    ["a price above max_cost_usd", {}, { max_cost_usd: 0.0001 }, /^over_budget: /],
    ["a full budget", { LONGCAT_MCP_BUDGET_USD_PER_DAY: "0.0001" }, {}, /^over_budget: /],
    ["a place for the result that is not allowed", {}, { save_to: "/etc/x" }, /^invalid_input: /],
    ["a picture that is none", {}, { image_urls: ["a.png", "bad.png"] }, /^invalid_input: /],
  ];

  test.each(refusals)("%s", async (_, more, args, words) => {
    await writeFile(join(bench.folder, "bad.png"), "no picture");
    const { client } = await bench.connect("sdk 1.x", "stdio", { ...env, ...more });
    const result = await edit(client, ["a.png"], args);
    expect(textOf(result)).toMatch(words);
    expect(bench.posts).toBe(0);
    expect(await kept()).toEqual([]);
  });

  test("a call that an earlier job stands for", async () => {
    stuck();
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    const first = await edit(client, ["a.png"]);
    const files = await kept();
    expect(files).toHaveLength(1);
    const again = await Promise.all([edit(client, ["a.png"]), edit(client, ["a.png"])]);
    expect(again.map(jobIdOf)).toEqual([jobIdOf(first), jobIdOf(first)]);
    expect(await kept()).toEqual(files);
  });

  test("a purchase that is refused by the provider takes its file back", async () => {
    bench.sandbox.faults.add({ kind: "status", status: 400, match: { method: "POST" } });
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    const result = await edit(client, ["a.png"], { wait_seconds: 20 });
    expect(textOf(result)).toMatch(/ failed: /);
    expect(await kept()).toEqual([]);
  });

  test("a purchase that is cancelled while it waits takes its file back", async () => {
    bench.sandbox.faults.add({
      kind: "status",
      status: 429,
      headers: { "retry-after": "60" },
      match: { method: "POST" },
      times: 0,
    });
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    const queued = await edit(client, ["a.png"]);
    await expect
      .poll(async () => textOf(await client.call("job_status", statusArgs(queued))), PATIENTLY)
      .toMatch(/ is queued /);
    const cancelled = await client.call("job_cancel", { job_id: jobIdOf(queued) });
    expect(textOf(cancelled)).toMatch(/is cancelled/);
    expect(await kept()).toEqual([]);
  });
});

describe("a job's end unpublishes its files", () => {
  test.each([
    ["completed", undefined],
    ["failed", { kind: "job-failed" }],
    ["errored", { kind: "job-error" }],
    ["failed", { kind: "empty-media" }],
  ] as const)("%s %o", async (state, fault) => {
    if (fault) bench.sandbox.faults.add(fault);
    const { client } = await bench.connect("client 2.x", "stdio", env);
    const result = await finished(client, jobIdOf(await edit(client, ["a.png", "b.png"])));
    expect(textOf(result)).toMatch(new RegExp(` ${state}`));
    const urls = sentUrls();
    expect(urls).toHaveLength(2);
    for (const url of urls) expect(await statusOf(url)).toBe(404);
    expect(await kept()).toEqual([]);
  });

  test("a job in doubt keeps them: the provider may have taken it", async () => {
    bench.sandbox.faults.add({ kind: "reset-after", match: { method: "POST" } });
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    const result = await edit(client, ["a.png"], { wait_seconds: 20 });
    expect(textOf(result)).toMatch(/ unknown: /);
    expect(await statusOf(sentUrls()[0] ?? "")).toBe(200);
  });
});

test("the same bytes are published once, and stay until the last job that needs them has ended", async () => {
  stuck();
  await writeFile(join(bench.folder, "copy.png"), await readFile(join(bench.folder, "a.png")));
  const { client } = await bench.connect("sdk 1.x", "stdio", env);
  const other = await bench.connect("sdk 1.x", "stdio", env);
  await edit(client, ["a.png", "copy.png"]);
  await edit(other.client, ["copy.png"], { force_new: true });
  await expect.poll(() => bench.posts, PATIENTLY).toBe(2);
  expect(new Set(sentUrls()).size).toBe(1);
  expect(await kept()).toHaveLength(1);
});

describe("the quota", () => {
  test("a purchase that would pass it is refused before it is recorded, and leaves nothing", async () => {
    const { client } = await bench.connect("sdk 1.x", "stdio", {
      ...env,
      LONGCAT_MCP_HOSTED_BYTES: "100",
    });
    const result = await edit(client, ["a.png"]);
    expect(textOf(result)).toMatch(/^storage: [\s\S]*LONGCAT_MCP_HOSTED_BYTES/);
    expect(textOf(await client.call("job_list", {}))).not.toContain("job_");
    expect(bench.posts).toBe(0);
    expect(await kept()).toEqual([]);
  });

  test("it counts what all running jobs need, in every process, and only once", async () => {
    stuck();
    const sizes = await Promise.all(
      ["a.png", "b.png"].map(async (name) => (await stat(join(bench.folder, name))).size),
    );
    const small = { LONGCAT_MCP_HOSTED_BYTES: String((sizes[0] ?? 0) + (sizes[1] ?? 0) - 1) };
    const { client } = await bench.connect("sdk 1.x", "stdio", { ...env, ...small });
    const other = await bench.connect("sdk 1.x", "stdio", { ...env, ...small });
    await edit(client, ["a.png"]);
    expect(textOf(await edit(other.client, ["b.png"]))).toMatch(/^storage: /);
    expect(textOf(await edit(other.client, ["a.png"], { prompt: "Another" }))).not.toMatch(
      /^storage/,
    );
    expect(await kept()).toHaveLength(1);
  });
});

describe("ranges", () => {
  let url: string;
  let bytes: Buffer;

  beforeEach(async () => {
    stuck();
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    await edit(client, ["a.png"]);
    await expect.poll(() => bench.posts, PATIENTLY).toBe(1);
    [url = ""] = sentUrls();
    bytes = await readFile(join(bench.folder, "a.png"));
  });

  const get = async (headers: Record<string, string>, method = "GET") => {
    const reply = await fetch(url, { method, headers });
    return {
      status: reply.status,
      headers: reply.headers,
      body: Buffer.from(await reply.arrayBuffer()),
    };
  };

  test("one range is answered with its bytes, and one that is not there with 416", async () => {
    const size = bytes.length;
    for (const [range, start, end] of [
      ["bytes=0-0", 0, 0],
      ["bytes=5-9", 5, 9],
      [`bytes=${size - 3}-`, size - 3, size - 1],
      ["bytes=-4", size - 4, size - 1],
      ["bytes=10-99999999999999999999", 10, size - 1],
      ["bytes=-99999999999999999999", 0, size - 1],
    ] as const) {
      const { status, headers, body } = await get({ range });
      expect(`${range} ${status}`).toBe(`${range} 206`);
      expect(headers.get("content-range")).toBe(`bytes ${start}-${end}/${size}`);
      expect(body.equals(bytes.subarray(start, end + 1))).toBe(true);
    }
    for (const range of [`bytes=${size}-`, "bytes=99999999999999999999-", "bytes=-0"]) {
      const { status, headers, body } = await get({ range });
      expect(`${range} ${status}`).toBe(`${range} 416`);
      expect(headers.get("content-range")).toBe(`bytes */${size}`);
      expect(body).toHaveLength(0);
    }
  });

  test("what is no single range brings the whole file", async () => {
    const many = `bytes=${Array.from({ length: 500 }, (_, at) => `${at}-${at}`).join(",")}`;
    for (const range of ["bytes=0-1,3-4", "bytes=9-5", "bytes=-", "lines=1-2", "bytes=a-b", many]) {
      const { status, body } = await get({ range });
      expect(`${range.slice(0, 20)} ${status}`).toBe(`${range.slice(0, 20)} 200`);
      expect(body.equals(bytes)).toBe(true);
    }
  });

  test("the tag is strong, and a range is given only where it fits", async () => {
    const whole = await get({}, "HEAD");
    expect(whole.status).toBe(200);
    expect(whole.body).toHaveLength(0);
    expect(whole.headers.get("content-length")).toBe(String(bytes.length));
    expect(whole.headers.get("accept-ranges")).toBe("bytes");
    const etag = whole.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[^"]+"$/);
    // It must not give away what the address keeps secret.
    expect(url).not.toContain(etag.slice(1, 10));
    expect((await get({ range: "bytes=0-1", "if-range": etag })).status).toBe(206);
    expect((await get({ range: "bytes=0-1", "if-range": `W/${etag}` })).status).toBe(200);
    expect((await get({ range: "bytes=0-1", "if-range": '"other"' })).status).toBe(200);
    expect((await get({ "if-none-match": etag })).status).toBe(304);
    expect((await get({ range: "bytes=0-1" }, "HEAD")).status).toBe(200);
  });
});

describe("killed at any point, nothing is sent with a dead link, and nothing stays", () => {
  test.each(["before-record", "after-record", "before-post"])("%s", async (point) => {
    const first = await bench.connect("sdk 1.x", "stdio", {
      ...env,
      LONGCAT_MCP_TEST_CRASH_AT: point,
    });
    await edit(first.client, ["a.png"]).catch(() => undefined);
    await first.program.exited();
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    const listed = await client.call("job_list", {});
    const jobId = /job_[a-z2-7]{26}/.exec(textOf(listed))?.[0];
    if (point === "before-record") expect(jobId).toBeUndefined();
    else if (point === "after-record") {
      // Recorded and never sent: it goes on, and its file is where it was promised.
      expect(textOf(await finished(client, jobId ?? ""))).toMatch(/ completed in /);
      expect(bench.posts).toBe(1);
    } else {
      expect(textOf(await finished(client, jobId ?? ""))).toMatch(/ unknown/);
      expect(bench.posts).toBe(0);
    }
    if (point === "before-post") return;
    await expect.poll(kept, PATIENTLY).toEqual([]);
  });

  test.each([
    ["another public address", { LONGCAT_MCP_PUBLIC_URL: "https://elsewhere.example" }],
    ["none", { LONGCAT_MCP_PUBLIC_URL: "", LONGCAT_MCP_PUBLIC_PORT: "" }],
  ])("a job that was recorded before a restart with %s is not sent", async (_, change) => {
    const first = await bench.connect("sdk 1.x", "stdio", {
      ...env,
      LONGCAT_MCP_TEST_CRASH_AT: "after-record",
    });
    await edit(first.client, ["a.png"]).catch(() => undefined);
    await first.program.exited();
    const { client } = await bench.connect("sdk 1.x", "stdio", { ...env, ...change });
    const jobId = /job_[a-z2-7]{26}/.exec(textOf(await client.call("job_list", {})))?.[0] ?? "";
    const ended = await finished(client, jobId);
    expect(textOf(ended)).toMatch(/ failed: configuration: /);
    const job = await client.read(`longcat://jobs/${jobId}`);
    expect(JSON.parse(job.text)).toMatchObject({ state: "failed", charge: "none" });
    expect(bench.posts).toBe(0);
    expect(await kept()).toEqual([]);
  });

  test("files of a running job are served again after a restart, and gone after its end", async () => {
    bench.sandbox.faults.add({ kind: "slow", ms: 300, match: { method: "GET" }, times: 20 });
    const first = await bench.connect("sdk 1.x", "stdio", env);
    const started = await edit(first.client, ["a.png"]);
    await expect.poll(() => bench.posts, PATIENTLY).toBe(1);
    await first.program.kill("SIGKILL");
    const [url = ""] = sentUrls();
    expect(await statusOf(url)).toBe(0);
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    await client.call("job_list", {});
    await finished(client, jobIdOf(started));
    await expect.poll(() => statusOf(url), PATIENTLY).toBe(404);
    expect(await kept()).toEqual([]);
  });

  test("what another process is still writing or needs survives a start", async () => {
    stuck();
    const first = await bench.connect("sdk 1.x", "stdio", env);
    await edit(first.client, ["a.png"]);
    await expect.poll(() => bench.posts, PATIENTLY).toBe(1);
    const files = await kept();
    const second = await bench.connect("sdk 1.x", "stdio", env);
    await second.client.call("job_list", {});
    expect(await kept()).toEqual(files);
    expect(await statusOf(sentUrls()[0] ?? "")).toBe(200);
    await first.program.kill("SIGKILL");
    await expect.poll(() => statusOf(sentUrls()[0] ?? ""), PATIENTLY).toBe(200);
  });
});

function statusArgs(started: ToolResult): Record<string, unknown> {
  return { job_id: jobIdOf(started), wait_seconds: 0 };
}
