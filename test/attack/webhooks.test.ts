import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import limitOf from "p-limit";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { base32 } from "../../src/core/ids.ts";
import { LOCAL_OWNER } from "../../src/core/owner.ts";
import type { JobState } from "../../src/jobs/job.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench, PATIENTLY, TEST_KEY } from "../e2e/harness.ts";
import type { McpClient } from "../e2e/mcp-client.ts";
import { freePort, statusAt } from "../support/free-port.ts";

const TOOL = "z_image_turbo_generate";
const MODEL = "z-image-turbo-834";
/** The pace of the real provider, at which hardly anybody looks meanwhile. */
const SLOWLY = { LONGCAT_MCP_POLL_FLOOR_MS: "2000" };
/** At that pace, of one job: a look that was asked for and one that was planned within two seconds. */
const FEWEST_MS_BETWEEN_LOOKS = 1_000;

let bench: Bench;
let port: number;
let env: Record<string, string>;

beforeEach(async () => {
  bench = await Bench.open({ speed: 40, workers: 64 });
  port = await freePort();
  env = { LONGCAT_MCP_PUBLIC_PORT: String(port) };
});
afterEach(() => bench.close());

const start = (client: McpClient, n: number | string, more: Record<string, unknown> = {}) =>
  client.call(TOOL, {
    ...{ prompt: `Picture ${n}`, image_size: "square_1_1", wait_seconds: 0 },
    ...more,
  });

const submits = () => bench.sandbox.requests().filter((one) => one.method === "POST");
const looks = () => bench.sandbox.requests().filter((one) => one.path.includes("/requests/status"));
const hookOf = (n: number | string) =>
  submits().find((one) => JSON.stringify(one.body).includes(`"Picture ${n}"`))?.headers[
    "x-webhook-url"
  ] ?? "";
const requestOf = (n: number | string) =>
  submits().find((one) => JSON.stringify(one.body).includes(`"Picture ${n}"`))?.requestId ?? "";

const callAt = (address: string, body: unknown = {}, headers: Record<string, string> = {}) =>
  fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

async function stored(): Promise<SqliteJobStore> {
  const store = new SqliteJobStore(new Connection(bench.dataDir));
  onTestFinished(() => store.close());
  return store;
}

async function states(store: SqliteJobStore): Promise<JobState[]> {
  const { jobs } = await store.list({ owner: LOCAL_OWNER, limit: 100 });
  return jobs.map(({ state }) => state);
}

describe("a submit whose answer was lost is found by its webhook", () => {
  test.each([
    ["was cut", "reset-after"],
    ["never comes", "hang"],
    ["breaks off", "truncate"],
    ["is a page", "not-json"],
  ] as const)("40 of 40 whose answer %s, with one charge each", async (_, kind) => {
    bench.sandbox.faults.add({ kind, times: 40, match: { method: "POST" } });
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    await Promise.all(Array.from({ length: 40 }, (_one, n) => start(client, n)));
    const store = await stored();
    await expect
      .poll(async () => (await states(store)).filter((one) => one === "completed"), PATIENTLY)
      .toHaveLength(40);
    const charged = bench.sandbox.requests().filter((one) => one.charged);
    expect(charged).toHaveLength(40);
    expect(submits()).toHaveLength(40);
    const { jobs } = await store.list({ owner: LOCAL_OWNER, limit: 100 });
    expect(new Set(jobs.map(({ requestId }) => requestId)).size).toBe(40);
    for (const job of jobs) {
      expect(job).toMatchObject({ state: "completed", charge: "spent", error: null });
      const own = charged.find(({ requestId }) => requestId === job.requestId);
      expect(own?.body).toMatchObject({ prompt: job.prompt });
    }
  });

  test("also where the status lags behind, and where the webhook comes early or twice", async () => {
    bench.sandbox.faults.add({ kind: "reset-after", times: 3, match: { method: "POST" } });
    for (const [n, kind] of (
      ["webhook-early", "webhook-twice", "webhook-forged"] as const
    ).entries())
      bench.sandbox.faults.add({ kind, match: { prompt: `Picture ${n}` } });
    bench.sandbox.faults.add({ kind: "status", status: 404, times: 2, match: { method: "GET" } });
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    await Promise.all([0, 1, 2].map((n) => start(client, n)));
    const store = await stored();
    await expect
      .poll(() => states(store), PATIENTLY)
      .toEqual(["completed", "completed", "completed"]);
    expect(bench.sandbox.requests().filter((one) => one.charged)).toHaveLength(3);
  });

  test("and the next answer tells of it", async () => {
    bench.sandbox.faults.add({ kind: "reset-after", match: { method: "POST" } });
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    const jobId = jobIdOf(await start(client, 1, { wait_seconds: 20 }));
    const store = await stored();
    await expect.poll(() => states(store), PATIENTLY).toEqual(["completed"]);
    expect(JSON.stringify(await client.call("image_models", {}))).toContain(jobId);
  });
});

describe("webhooks that are made up change nothing", () => {
  test("1,000 of them, forged, replayed and foreign", async () => {
    bench.sandbox.faults.add({ kind: "webhook-never", times: 0 });
    const { client } = await bench.connect("sdk 1.x", "stdio", { ...env, ...SLOWLY });
    // One in each state in which something could be learned, and one that is over.
    bench.sandbox.faults.add({ kind: "job-stuck", match: { prompt: "Picture running" } });
    await start(client, "running");
    bench.sandbox.faults.add({ kind: "reset-after", match: { prompt: "Picture doubtful" } });
    await start(client, "doubtful", { wait_seconds: 20 });
    bench.sandbox.faults.add({ kind: "status", status: 400, match: { prompt: "Picture over" } });
    await start(client, "over", { wait_seconds: 20 });
    const store = await stored();
    const before = await store.list({ owner: LOCAL_OWNER, limit: 100 });
    expect(before.jobs.map(({ state }) => state)).toEqual(["failed", "unknown", "running"]);
    // One moment for both, so that midnight may pass between them.
    const now = Date.now();
    const spent = await store.spending(LOCAL_OWNER, now);

    const foreign = requestOf("running");
    const end = (request_id: string, status = "COMPLETED") => ({
      ...{ request_id, status, model_id: MODEL, error: null },
      output: { media_url: [`${bench.sandbox.origin}/v1/${foreign}/output.png`] },
    });
    const hooks = ["running", "doubtful", "over"].map(hookOf);
    const unknownHook = () => `http://127.0.0.1:${port}/webhooks/${base32(randomBytes(16))}`;
    const bodies: unknown[] = [
      end(foreign),
      end(foreign, "FAILED"),
      end(`${MODEL}_${crypto.randomUUID()}`),
      end(`longcat-image-498_${crypto.randomUUID()}`),
      end(`${MODEL}_../../admin`),
      end(""),
      { request_id: 7 },
      [],
      null,
      "not JSON",
    ];
    const fewAtOnce = limitOf(32);
    const send = async (n: number) => {
      const hook = n % 4 === 3 ? unknownHook() : (hooks[n % 4] ?? "");
      const reply = await callAt(hook, bodies[Math.floor(n / 4) % bodies.length]);
      return `${reply.status} ${await reply.text()} ${JSON.stringify([...reply.headers.keys()])}`;
    };
    const numbers = Array.from({ length: 1_000 }, (_, n) => n);
    const answers = await Promise.all(numbers.map((n) => fewAtOnce(() => send(n))));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^202 {2}/);
    expect(await store.spending(LOCAL_OWNER, now)).toEqual(spent);
    // What is started after all of them ends after whatever they could have led to.
    await start(client, "later");
    await expect.poll(() => states(store), PATIENTLY).toContain("completed");
    const after = await store.list({ owner: LOCAL_OWNER, limit: 100 });
    const facts = ({ jobs }: typeof after) =>
      jobs.flatMap(({ jobId, state, charge, requestId, mediaUrls, error, prompt }) =>
        prompt === "Picture later" ? [] : { jobId, state, charge, requestId, mediaUrls, error },
      );
    expect(facts(after)).toEqual(facts(before));
    // Of all that, hardly anything was worth a look, however long it took.
    const [first] = submits();
    const took = (Date.now() - (first?.at ?? 0)) / FEWEST_MS_BETWEEN_LOOKS;
    const others = looks().filter(({ requestId }) => requestId !== requestOf("later"));
    expect(others.length).toBeLessThanOrEqual(2 * (took + 1));
  });

  test("an answer is the same whatever comes, and too much is refused whoever sends it", async () => {
    bench.sandbox.faults.add({ kind: "job-stuck", times: 0 });
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    await start(client, 1);
    await expect.poll(() => hookOf(1), PATIENTLY).not.toBe("");
    const hook = hookOf(1);
    const strange = `http://127.0.0.1:${port}/webhooks/${"a".repeat(26)}`;
    const large = JSON.stringify({ request_id: "x".repeat(64 * 1024) });
    for (const address of [hook, strange, `${strange}/x`, `${strange.slice(0, -1)}`]) {
      const ok = await callAt(address, { request_id: "x" });
      expect([ok.status, await ok.text()]).toEqual([202, ""]);
      expect((await callAt(address, "")).status).toBe(202);
      expect((await callAt(address, "a=b", { "content-type": "text/plain" })).status).toBe(202);
      expect((await callAt(address, "x".repeat(64 * 1024))).status).toBe(202);
      expect((await callAt(address, large)).status).toBe(413);
      expect((await callAt(address, "x".repeat(200_000))).status).toBe(413);
      for (const method of ["GET", "PUT", "DELETE"])
        expect((await fetch(address, { method })).status).toBe(405);
    }
  });

  test("secrets are in no log, answer, error or file", async () => {
    bench.sandbox.faults.add({ kind: "job-stuck", times: 0 });
    const { client, program } = await bench.connect("sdk 1.x", "stdio", env);
    const answer = await start(client, 1);
    await expect.poll(() => hookOf(1), PATIENTLY).not.toBe("");
    const secret = hookOf(1).split("/").at(-1) ?? "";
    expect(secret).toMatch(/^[a-z2-7]{26}$/);
    // The provider repeats the address in what it refuses.
    bench.sandbox.faults.add({
      kind: "status",
      status: 400,
      body: { error: "Bad", message: `No such callback: ${hookOf(1)}` },
      match: { prompt: "Picture 2" },
    });
    const refused = await start(client, 2, { wait_seconds: 20 });
    const job = await client.read(`longcat://jobs/${jobIdOf(refused)}`);
    await callAt(hookOf(1), { request_id: "x" });
    const said = [textOf(answer), textOf(refused), job.text, program.stderr].join("\n");
    expect(said).toContain("No such callback");
    expect(said).not.toContain(secret);
    for (const name of await readdir(bench.dataDir)) {
      const bytes = await readFile(`${bench.dataDir}/${name}`, "latin1").catch(() => "");
      expect(bytes, name).not.toContain(secret);
    }
  });
});

describe("a webhook reaches whoever has the job", () => {
  test("in another process on the same folder, which has not the port", async () => {
    const first = await bench.connect("sdk 1.x", "stdio", env);
    await first.client.call("job_list", {});
    await expect.poll(() => statusAt(port), PATIENTLY).toBe(404);
    const second = await bench.connect("client 2.x", "stdio", env);
    bench.sandbox.faults.add({ kind: "hang", match: { method: "POST" } });
    await start(second.client, 1);
    expect(hookOf(1)).toContain(`http://127.0.0.1:${port}/webhooks/`);
    const store = await stored();
    await expect.poll(() => states(store), PATIENTLY).toEqual(["completed"]);
    // While its request was in flight, and not after that was given up.
    const { jobs } = await store.list({ owner: LOCAL_OWNER, limit: 1 });
    expect(jobs[0]?.orphaned).toBe(false);
    expect(first.program.stderr).not.toContain("a webhook led to");
    expect(second.program.stderr).toContain("a webhook led to");
  });

  test("which looks at once, where polling alone would not look for hours", async () => {
    const never = { LONGCAT_MCP_POLL_FLOOR_MS: "3600000" };
    const first = await bench.connect("sdk 1.x", "stdio", { ...env, ...never });
    await first.client.call("job_list", {});
    await expect.poll(() => statusAt(port), PATIENTLY).toBe(404);
    const second = await bench.connect("client 2.x", "stdio", { ...env, ...never });
    bench.sandbox.faults.add({ kind: "webhook-never", match: { prompt: "Picture untold" } });
    const untold = jobIdOf(await start(second.client, "untold"));
    const told = jobIdOf(await start(second.client, "told"));
    const store = await stored();
    const stateOf = async (jobId: string) => (await store.get(LOCAL_OWNER, jobId))?.state;
    await expect.poll(() => stateOf(told), PATIENTLY).toBe("completed");
    const paths = looks().map(({ path }) => path);
    expect(paths.every((path) => path.endsWith(requestOf("told")))).toBe(true);
    expect(await stateOf(untold)).toBe("running");
    const path = paths[0]?.replace(requestOf("told"), requestOf("untold")) ?? "";
    const headers = { "ocp-apim-subscription-key": TEST_KEY };
    const ended = () => fetch(bench.sandbox.origin + path, { headers }).then((it) => it.text());
    await expect.poll(ended, PATIENTLY).toContain("COMPLETED");
    // What nobody told of, its own webhook tells, whenever it comes.
    expect((await callAt(hookOf("untold"))).status).toBe(202);
    await expect.poll(() => stateOf(untold), PATIENTLY).toBe("completed");
  });

  test("not where the caller wants to be called: then the job is looked at", async () => {
    const lora = "qwen_image_edit_plus_lora";
    const { client } = await bench.connect("sdk 1.x", "stdio", env);
    const result = await client.call(lora, {
      prompt: "Picture 1",
      image_urls: [`${bench.sandbox.origin}/none.png`],
      webhook: "http://127.0.0.1:9/mine",
      webhook_events_filter: ["complete"],
      wait_seconds: 0,
    });
    expect(textOf(result)).toContain("job_");
    await expect.poll(() => submits().length, PATIENTLY).toBe(1);
    expect(submits()[0]?.headers["x-webhook-url"]).toBeUndefined();
    expect(submits()[0]?.body).toMatchObject({
      webhook: "http://127.0.0.1:9/mine",
      webhook_events_filter: ["complete"],
    });
  });
});
