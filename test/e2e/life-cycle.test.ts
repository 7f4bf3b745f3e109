import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  Bench,
  CLIENTS,
  type ClientKind,
  closeInspected,
  finished,
  jobIdOf,
  PATIENTLY,
  pathsOf,
  TEST_KEY,
  TRANSPORTS,
  type TransportKind,
  textOf,
} from "./harness.ts";

const TURBO = { prompt: "A small boat at sea", image_size: "landscape_4_3" };

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => closeInspected(bench));

describe.each(CLIENTS)("%s", (kind) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    test("a job that outlasts the wait comes back as an id, and later as pictures", async () => {
      bench.sandbox.faults.add({ kind: "slow", ms: 1500, match: { path: "/v2/requests" } });
      const { client } = await bench.connect(kind, transport);
      const started = await client.call("z_image_turbo_generate", { ...TURBO, wait_seconds: 0 });
      expect(textOf(started)).toMatch(/ is running for .*[\s\S]*Next: call `job_status`/);
      expect(started.content).toHaveLength(1);
      const done = await finished(client, jobIdOf(started));
      expect(done.content.map((block) => block.type)).toEqual(["text", "image", "resource_link"]);
    });

    test("a call that the client gives up does not stop its job", async () => {
      bench.sandbox.faults.add({ kind: "slow", ms: 1000, match: { path: "/v2/requests" } });
      const { client } = await bench.connect(kind, transport);
      const giveUp = new AbortController();
      const call = client.call("z_image_turbo_generate", TURBO, {
        signal: giveUp.signal,
        onProgress: (message) => {
          if (message.startsWith("Generating")) giveUp.abort();
        },
      });
      await expect(call).rejects.toThrow();
      const listed = await client.call("job_list", {});
      const done = await finished(client, jobIdOf(listed));
      expect(textOf(done)).toMatch(/ completed in /);
      expect(bench.posts).toBe(1);
    });

    test("progress tells state and time while a call waits", async () => {
      bench.sandbox.faults.add({ kind: "slow", ms: 300, match: { path: "/v2/requests" } });
      const { client } = await bench.connect(kind, transport);
      const messages: string[] = [];
      const told: { progress: number; total?: number | undefined }[] = [];
      await client.call("z_image_turbo_generate", TURBO, {
        onProgress: (message, of) => {
          messages.push(message);
          told.push(of);
        },
      });
      // Nothing is known of such jobs here, so the printed time is the whole.
      expect(new Set(told.map(({ total }) => total))).toEqual(new Set([6]));
      for (const [at, { progress }] of told.entries()) {
        expect(progress).toBeGreaterThan(told[at - 1]?.progress ?? 0);
        expect(progress).toBeLessThan(6);
      }
      expect(messages[0]).toMatch(/^Waiting to be sent, \d+ s/);
      expect(messages.some((message) => /^Generating, \d+ s/.test(message))).toBe(true);
    });
  });

  test("killed while a job runs and started again, it finishes the job with one purchase", async () => {
    bench.sandbox.faults.add({ kind: "slow", ms: 2000, match: { path: "/v2/requests" } });
    const first = await bench.connect(kind);
    const started = await first.client.call("z_image_turbo_generate", {
      ...TURBO,
      wait_seconds: 0,
    });
    await first.program.kill("SIGKILL");

    const second = await bench.connect(kind);
    const done = await finished(second.client, jobIdOf(started));
    expect(textOf(done)).toMatch(/ completed in /);
    expect((await stat(pathsOf(done)[0] ?? "")).size).toBeGreaterThan(1000);
    expect(bench.posts).toBe(1);
  });

  test("what completed while no client was there is mentioned once", async () => {
    bench.sandbox.faults.add({ kind: "slow", ms: 2000, match: { path: "/v2/requests" } });
    const first = await bench.connect(kind);
    const started = await first.client.call("z_image_turbo_generate", {
      ...TURBO,
      wait_seconds: 0,
    });
    await first.program.kill("SIGKILL");

    const { client } = await bench.connect(kind);
    const jobId = jobIdOf(started);
    await expect
      .poll(
        async () => JSON.parse((await client.read(`longcat://jobs/${jobId}`)).text).state,
        PATIENTLY,
      )
      .toBe("completed");
    const mention = JSON.stringify((await client.call("image_models", {})).content);
    expect(mention).toContain(jobId);
    expect(JSON.stringify((await client.call("image_models", {})).content)).not.toContain(jobId);
  });
});

async function hearsEvents(kind: ClientKind, transport: TransportKind): Promise<void> {
  bench.sandbox.faults.add({ kind: "slow", ms: 500, match: { path: "/v2/requests" } });
  const { client } = await bench.connect(kind, transport);
  const started = await client.call("z_image_turbo_generate", { ...TURBO, wait_seconds: 0 });
  const uri = `longcat://jobs/${jobIdOf(started)}`;
  const events: string[] = [];
  await client.watch(uri, (one) => events.push(one));
  await finished(client, jobIdOf(started));
  await expect.poll(() => events, PATIENTLY).toContain("list_changed");
  expect(events).toContain(`updated ${uri}`);
  const updates = events.filter((one) => one.startsWith("updated"));
  expect(updates.every((one) => one === `updated ${uri}`)).toBe(true);
}

test.each([
  ["sdk 1.x", "stdio"],
  ["client 2.x", "stdio"],
  ["client 2.x", "http"],
] as const)("events about a job and its files reach a listening %s over %s", hearsEvents);

test.each(["stdio", "http"] as const)(
  "events about a job of one program reach who listens to another one over %s",
  async (transport) => {
    const owner = await bench.connect("sdk 1.x");
    const listener = await bench.connect("client 2.x", transport);
    bench.sandbox.faults.add({ kind: "slow", ms: 1_500, match: { path: "/v2/requests" } });
    const started = await owner.client.call("z_image_turbo_generate", {
      ...TURBO,
      wait_seconds: 0,
    });
    const jobId = jobIdOf(started);
    const events: string[] = [];
    await listener.client.watch(`longcat://jobs/${jobId}`, (one) => events.push(one));
    await finished(owner.client, jobId);
    await expect.poll(() => events, PATIENTLY).toContain(`updated longcat://jobs/${jobId}`);
  },
);

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
