import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { finished, jobIdOf, pathsOf, textOf } from "./answers.ts";
import { Bench, closeInspected, TEST_KEY } from "./harness.ts";
import { describeCalls, describeRestarts, TURBO, testEvents } from "./lives.ts";

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => closeInspected(bench));

describeCalls(() => bench, "client 2.x", "http");
describeRestarts(() => bench, "sdk 1.x");
testEvents(() => bench, "sdk 1.x", "stdio");

test.each([
  { kind: "reset-after" as const },
  { kind: "status" as const, status: 502, body: "<html>Bad Gateway</html>" },
  { kind: "truncate" as const },
])("a purchase with an unknown outcome ($kind) is never sent again", async (fault) => {
  bench.sandbox.faults.add({ ...fault, match: { method: "POST" }, times: 0 });
  const { client } = await bench.connect("sdk 1.x");
  const result = await client.call("z_image_turbo_generate", TURBO);
  expect(result.isError).toBe(true);
  expect(textOf(result)).toMatch(/^job_\w+ unknown: outcome_unknown: /);
  expect(textOf(result)).toContain("may have been charged");
  expect(bench.posts).toBe(1);
});

test("a 429 with Retry-After is waited for and then sent", async () => {
  bench.sandbox.faults.add({
    kind: "status",
    status: 429,
    headers: { "Retry-After": "1" },
    match: { method: "POST" },
  });
  const { client } = await bench.connect("client 2.x");
  const result = await client.call("z_image_turbo_generate", TURBO);
  expect(textOf(result)).toMatch(/ completed in /);
  const posts = bench.sandbox.requests().filter((one) => one.method === "POST");
  expect(posts.map((one) => one.status)).toEqual([429, 202]);
  expect((posts[1]?.at ?? 0) - (posts[0]?.at ?? 0)).toBeGreaterThanOrEqual(1000);
});

test("a wrong argument costs nothing and says what is allowed", async () => {
  const { client } = await bench.connect("sdk 1.x");
  const result = await client.call("longcat_image_generate", {
    prompt: "x",
    image_size: "landscape_16_9",
  });
  expect(result.isError).toBe(true);
  expect(textOf(result)).toMatch(/^invalid_input: .*Did you mean `ultra_wide_16_9`\?/);
  expect(bench.posts).toBe(0);
});

test("without a key the server starts, lists its tools, and says what to set", async () => {
  const { client } = await bench.connect("sdk 1.x", "stdio", { PIXAZO_API_KEY: "" });
  expect((await client.listTools()).length).toBeGreaterThan(10);
  const result = await client.call("z_image_turbo_generate", TURBO);
  expect(textOf(result)).toMatch(/^configuration: .*\nNext: Set PIXAZO_API_KEY/);
  expect(textOf(result)).toContain("--sandbox");
  expect(bench.posts).toBe(0);
});

test("save_to makes a copy, outside the allowed folders it is refused before buying", async () => {
  const { client } = await bench.connect("sdk 1.x");
  const kept = await client.call("z_image_turbo_generate", {
    ...TURBO,
    num_images: 2,
    save_to: "pictures/boat.png",
  });
  const copies = await readdir(join(bench.folder, "pictures"));
  expect(copies.sort()).toEqual(["boat-1.png", "boat-2.png"]);
  const original = await readFile(pathsOf(kept)[0] ?? "");
  expect(await readFile(join(bench.folder, "pictures/boat-1.png"))).toEqual(original);

  const refused = await client.call("z_image_turbo_generate", {
    ...TURBO,
    save_to: "/etc/boat.png",
  });
  expect(textOf(refused)).toMatch(/^invalid_input: `save_to`: .* outside the allowed folders/);
  expect(bench.posts).toBe(1);
});

test.each([
  ["off", []],
  ["full", ["image/png"]],
])("LONGCAT_MCP_PREVIEWS=%s", async (mode, types) => {
  const { client } = await bench.connect("sdk 1.x", "stdio", { LONGCAT_MCP_PREVIEWS: mode });
  const result = await client.call("z_image_turbo_generate", TURBO);
  const images = result.content.filter((block) => block.type === "image");
  expect(images.map((image) => image.mimeType)).toEqual(types);
});

test("a request made elsewhere is adopted by its request id", async () => {
  const { client } = await bench.connect("sdk 1.x");
  const started = await client.call("z_image_turbo_generate", TURBO);
  const job = JSON.parse((await client.read(`longcat://jobs/${jobIdOf(started)}`)).text);
  const elsewhere = await Bench.open();
  try {
    const other = await elsewhere.connect("sdk 1.x", "stdio", {
      PIXAZO_BASE_URL: bench.sandbox.origin,
    });
    const adopted = await other.client.call("job_status", { request_id: job.request_id });
    expect(textOf(adopted)).toMatch(/ completed in .*\n[\s\S]*Started elsewhere/);
    expect(pathsOf(adopted)).toHaveLength(1);
    const again = await other.client.call("job_status", { request_id: job.request_id });
    expect(jobIdOf(again)).toBe(jobIdOf(adopted));
  } finally {
    await elsewhere.close();
  }
});

test("a job already sent cannot be cancelled, and the answer says so", async () => {
  bench.sandbox.faults.add({ kind: "slow", ms: 1000, match: { path: "/v2/requests" } });
  const { client } = await bench.connect("sdk 1.x");
  const started = await client.call("z_image_turbo_generate", { ...TURBO, wait_seconds: 0 });
  const answer = await client.call("job_cancel", { job_id: jobIdOf(started) });
  expect(textOf(answer)).toMatch(/cannot be cancelled: it is running/);
  expect(textOf(await finished(client, jobIdOf(started)))).toMatch(/ completed in /);
});

test("the key is in no file, the database is private", async () => {
  const { client, program } = await bench.connect("sdk 1.x");
  bench.sandbox.faults.add({
    kind: "status",
    status: 400,
    body: { error: "Bad Request", message: `you sent ${TEST_KEY}` },
    match: { prompt: "echo" },
  });
  const echoed = await client.call("z_image_turbo_generate", { ...TURBO, prompt: "echo" });
  expect(textOf(echoed)).toContain("[key removed]");
  await client.call("z_image_turbo_generate", TURBO);
  await program.close();
  const files = await readdir(bench.folder, { recursive: true, withFileTypes: true });
  const paths = files.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  expect(paths.some((path) => path.endsWith("jobs.db"))).toBe(true);
  for (const path of paths) {
    expect((await readFile(path)).includes(TEST_KEY)).toBe(false);
    if (path.endsWith("jobs.db")) expect((await stat(path)).mode & 0o777).toBe(0o600);
  }
});
