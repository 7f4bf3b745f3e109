import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench, PATIENTLY } from "../e2e/harness.ts";
import { ask, freshDatabase } from "./fresh-database.ts";

/** How many at once; by hand 1000. */
const CALLS = Number(process.env["CLUSTER_CALLS"] ?? 45);
const LONG_MS = 180_000 + CALLS * 1_000;
/** Some seconds from a start to its end: time for whoever follows it to go. All that was asked is counted. */
const SLOWLY = { speed: 0.5, keepRequests: 5_000 + CALLS * 500 };

let bench: Bench;
let url = "";
beforeEach(async () => {
  bench = await Bench.open(SLOWLY);
  url = await freshDatabase();
});
afterEach(() => bench.close());

/** A machine of its own, as far as files go. */
async function replica(name: string, env: Record<string, string> = {}) {
  const { client, program } = await bench.connect("client 2.x", "http", {
    LONGCAT_MCP_DATABASE_URL: url,
    LONGCAT_MCP_DATA_DIR: join(bench.folder, name, "data"),
    LONGCAT_MCP_OUTPUT_DIR: join(bench.folder, name, "out"),
    ...env,
  });
  const files = async () => {
    const all = await readdir(join(bench.folder, name, "out"), { recursive: true }).catch(() => []);
    return all.filter((file) => file.endsWith(".png"));
  };
  const state = async (jobId: string) =>
    z
      .looseObject({ state: z.string() })
      .parse(JSON.parse((await client.read(`longcat://jobs/${jobId}`)).text)).state;
  return { client, program, files, state };
}

type Replica = Awaited<ReturnType<typeof replica>>;

async function start(
  { client }: Replica,
  prompt = "A lighthouse",
  more: Record<string, unknown> = {},
): Promise<string> {
  return jobIdOf(
    await client.call("z_image_turbo_generate", {
      ...{ prompt, image_size: "square_1_1", wait_seconds: 0, ...more },
    }),
  );
}

/** What the record says of a job, whoever could be asked. */
async function recorded(jobId: string) {
  const sql = `SELECT state, charge, fence FROM longcat_mcp.jobs WHERE job_id = '${jobId}'`;
  return (await ask(url, sql))[0];
}

const untilRunning = (jobId: string) =>
  vi.waitFor(async () => expect(await recorded(jobId)).toMatchObject({ state: "running" }), {
    ...PATIENTLY,
    interval: 50,
  });

describe("two replicas on one database", () => {
  test("a job of one is read at the other, and an identical call there is that job", async () => {
    const [one, other] = [await replica("one"), await replica("other")];
    const jobId = await start(one);
    expect(await start(other)).toBe(jobId);
    await vi.waitFor(async () => expect(await other.state(jobId)).toBe("completed"), PATIENTLY);
    expect(bench.posts).toBe(1);
  });

  test("a wait at one ends when the other has finished the job", async () => {
    const [one, other] = [await replica("one"), await replica("other")];
    const jobId = await start(one);
    const waited = await other.client.call("job_status", { job_id: jobId, wait_seconds: 100 });
    expect(textOf(waited)).toContain(jobId);
    expect(await one.state(jobId)).toBe("completed");
  });

  test.each(["SIGKILL", "SIGTERM"] as const)(
    "what one followed is finished by the other after a %s, and paid once",
    async (signal) => {
      const [one, other] = [await replica("one"), await replica("other")];
      const jobId = await start(one);
      await untilRunning(jobId);
      await one.program.kill(signal);
      await vi.waitFor(async () => expect(await other.state(jobId)).toBe("completed"), PATIENTLY);
      expect(bench.posts).toBe(1);
      expect(await recorded(jobId)).toMatchObject({ charge: "spent" });
      expect(await other.files()).toHaveLength(1);
      expect(await one.files()).toEqual([]);
    },
  );

  test("one that was frozen past its lease changes nothing once it goes on", async () => {
    const [one, other] = [await replica("one"), await replica("other")];
    const jobId = await start(one);
    await untilRunning(jobId);
    one.program.child.kill("SIGSTOP");
    await vi.waitFor(async () => expect(await recorded(jobId)).toMatchObject({ fence: "1" }), {
      ...PATIENTLY,
      interval: 100,
    });
    one.program.child.kill("SIGCONT");
    await vi.waitFor(async () => expect(await other.state(jobId)).toBe("completed"), PATIENTLY);
    const before = await recorded(jobId);
    // It has gone on, and hears of the end.
    await vi.waitFor(async () => expect(await one.state(jobId)).toBe("completed"), PATIENTLY);
    expect(await recorded(jobId)).toEqual(before);
    expect(bench.posts).toBe(1);
    expect(await other.files()).toHaveLength(1);
    expect(await one.files()).toEqual([]);
    const ends = `SELECT count(*) AS n FROM longcat_mcp.audit_log
      WHERE job_id = '${jobId}' AND event = 'job_ended'`;
    expect(await ask(url, ends)).toEqual([{ n: "1" }]);
  });

  test("one that ends orderly lets go of its jobs before it is gone", async () => {
    const one = await replica("one");
    const jobId = await start(one);
    await untilRunning(jobId);
    await one.program.kill("SIGTERM");
    const sql = `SELECT state, lease_holder FROM longcat_mcp.jobs WHERE job_id = '${jobId}'`;
    expect(await ask(url, sql)).toEqual([{ state: "running", lease_holder: null }]);
    expect(await ask(url, "SELECT * FROM longcat_mcp.holders")).toEqual([]);
  });

  test("one that takes long to end has left what runs to the other before", async () => {
    const one = await replica("one", { LONGCAT_MCP_DRAIN_SECONDS: "600" });
    const other = await replica("other");
    const jobId = await start(one);
    await untilRunning(jobId);
    bench.sandbox.faults.add({ kind: "slow", ms: 600_000, match: { method: "POST" } });
    const inFlight = start(one, "A purchase that is not answered");
    await vi.waitFor(() => expect(bench.posts).toBe(2), PATIENTLY);
    one.program.child.kill("SIGTERM");
    await vi.waitFor(async () => expect(await other.state(jobId)).toBe("completed"), PATIENTLY);
    expect(await recorded(jobId)).toMatchObject({ fence: "1", charge: "spent" });
    expect(await other.files()).toHaveLength(1);
    const sql = "SELECT state FROM longcat_mcp.jobs WHERE job_id <> '";
    expect(await ask(url, `${sql}${jobId}'`)).toEqual([{ state: "submitting" }]);
    expect(one.program.child.exitCode).toBeNull();
    await Promise.all([inFlight.catch(() => undefined), one.program.kill("SIGKILL")]);
    expect(bench.posts).toBe(2);
  });

  test("clocks that are minutes apart take no job from anybody, and duplicates are known", async () => {
    const ahead = { NODE_OPTIONS: `--require ${join(import.meta.dirname, "skewed-clock.cjs")}` };
    const [one, other] = [await replica("one"), await replica("other", ahead)];
    const jobId = await start(one);
    expect(await start(other)).toBe(jobId);
    await vi.waitFor(async () => expect(await one.state(jobId)).toBe("completed"), PATIENTLY);
    expect(await recorded(jobId)).toMatchObject({ fence: "0" });
    const later = await start(other, "Another lighthouse");
    const sql = `SELECT abs(created_at - extract(epoch FROM clock_timestamp()) * 1000) < 300000 AS near
      FROM longcat_mcp.jobs WHERE job_id = '${later}'`;
    expect(await ask(url, sql)).toEqual([{ near: true }]);
    expect(bench.posts).toBe(2);
  });

  test("the sandbox has tables of its own", async () => {
    const one = await replica("one", { LONGCAT_MCP_SANDBOX: "on" });
    await start(one);
    const sql = "SELECT count(*) AS n FROM longcat_mcp_sandbox.jobs";
    expect(await ask(url, sql)).toEqual([{ n: "1" }]);
    expect(bench.posts).toBe(0);
  });
});

/** Each is made again as long as a busy machine has no answer for it, as callers do. */
const surely = (one: Replica | undefined, prompt: string, key: string) =>
  vi.waitFor(async () => {
    const jobId = one && (await start(one, prompt, { idempotency_key: key }));
    expect(jobId).toMatch(/^job_/);
    return jobId;
  }, PATIENTLY);

describe("three replicas", () => {
  test(
    "buy each thing once, whichever of them is asked for it, at once and many times",
    async () => {
      const all = [await replica("one"), await replica("two"), await replica("three")];
      const asked = Array.from({ length: CALLS }, (_, n) => surely(all[n % 3], "One.", "once"));
      expect(new Set(await Promise.all(asked)).size).toBe(1);
      expect(bench.posts).toBe(1);
      const things = Array.from({ length: Math.ceil(CALLS * 0.3) }, (_, n) => `Thing ${n}.`);
      const askedOfAll = things.map((thing, n) =>
        Promise.all(all.map((_, place) => surely(all[(n + place) % 3], thing, `key ${n}`))),
      );
      for (const jobIds of await Promise.all(askedOfAll)) expect(new Set(jobIds).size).toBe(1);
      for (const { program } of all) expect(program.child.exitCode, program.stderr).toBeNull();
      await vi.waitFor(async () => {
        const sql = "SELECT state, count(*) AS n FROM longcat_mcp.jobs GROUP BY state";
        expect(await ask(url, sql)).toEqual([{ state: "completed", n: `${things.length + 1}` }]);
      }, PATIENTLY);
      const bodies = bench.sandbox
        .requests()
        .flatMap(({ method, body }) => (method === "POST" ? [JSON.stringify(body)] : []));
      for (const thing of ["One.", ...things]) {
        expect(
          bodies.filter((body) => body.includes(thing)),
          thing,
        ).toHaveLength(1);
      }
    },
    LONG_MS,
  );
});

test("a poll that learns nothing writes nothing", async () => {
  await bench.close();
  bench = await Bench.open({ speed: 0.1 });
  const jobId = await start(await replica("one"));
  const row = async () =>
    (await ask(url, `SELECT xmin, state FROM longcat_mcp.jobs WHERE job_id = '${jobId}'`))[0];
  const looks = () => bench.sandbox.requests().filter(({ method }) => method === "GET").length;
  await untilRunning(jobId);
  await vi.waitFor(async () => {
    const [before, seen] = [await row(), looks()];
    expect(before).toMatchObject({ state: "running" });
    await vi.waitFor(() => expect(looks()).toBeGreaterThan(seen + 2), PATIENTLY);
    expect(await row()).toEqual(before);
  }, PATIENTLY);
});
