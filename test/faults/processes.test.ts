import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { POLL_FLOOR_MS } from "../../src/models/limits.ts";
import { nextPollMs } from "../../src/purchases/pace.ts";
import { Bench } from "../e2e/harness.ts";
import { CLIENTS } from "../e2e/mcp-client.ts";
import { allEnded, allJobs, type JobRow, verify } from "./witness.ts";

/** More by hand: the figure in the documentation is of 1,000. */
const JOBS = Number(process.env["FAULT_JOBS"] ?? 200);
/** Its log is the witness: nothing may fall out of it. */
const UPSTREAM = { speed: 4, keepJobs: JOBS, keepRequests: JOBS * 500 };
/** Looks half a second to a second apart: the machine is busy, and not with looking alone. */
const TIME_SCALE = 0.1;
const ENV = { LONGCAT_MCP_POLL_FLOOR_MS: String(POLL_FLOOR_MS * TIME_SCALE) };
const UNSENT = ["queued", "submitting"];
/** Timers and the upstream's clock count whole milliseconds. */
const ROUNDING_MS = 2;

/** Looks at each job, and fetches of each file, as the upstream counted them. */
function traffic(bench: Bench) {
  const looks = new Map<string, number[]>();
  const fetches = new Map<string, number>();
  for (const { method, path, at } of bench.sandbox.requests()) {
    if (method !== "GET") continue;
    const requestId = /^\/v2\/requests\/status\/(.+)$/.exec(path)?.[1];
    if (requestId) looks.set(requestId, [...(looks.get(requestId) ?? []), at]);
    else fetches.set(path, (fetches.get(path) ?? 0) + 1);
  }
  return { looks: [...looks.values()], fetches };
}

/** The least time that one follower lets pass after its n-th look, in milliseconds. */
function leastGapMs(looks: number): number {
  const history = { ageMs: 0, polls: looks, faults: 0, retryAfterMs: undefined, isTold: false };
  return nextPollMs(undefined, history, 0, TIME_SCALE) - ROUNDING_MS;
}

/**
 * Looks that came sooner after the one before than one follower would have come, per job. However
 * busy the machine is, a single follower has none, and two of them have many.
 */
function hastyLooks(looks: number[][]): number[] {
  return looks.map(
    (times) => times.slice(1).filter((at, i) => at - (times[i] ?? 0) < leastGapMs(1)).length,
  );
}

/** How many looks one follower would have taken at the most in the same time, over all jobs. */
function looksOfOne(looks: number[][]): number {
  let sum = 0;
  for (const times of looks) {
    let at = times[0] ?? 0;
    for (let count = 1; at <= (times.at(-1) ?? 0); count++) {
      sum++;
      at += leastGapMs(count);
    }
  }
  return sum;
}

async function startJobs(
  client: Awaited<ReturnType<Bench["connect"]>>["client"],
  from: number,
  count: number,
): Promise<void> {
  const starts = Array.from({ length: count }, (_, i) =>
    client.call("z_image_turbo_generate", {
      prompt: `Picture ${from + i}`,
      image_size: "square_1_1",
      wait_seconds: 0,
    }),
  );
  await Promise.all(starts.map((start) => start.catch(() => undefined)));
}

let alone: Bench;
let aloneJobs: JobRow[];

beforeAll(async () => {
  alone = await Bench.open(UPSTREAM);
  const { client } = await alone.connect("client 2.x", "stdio", ENV);
  await startJobs(client, 0, JOBS);
  aloneJobs = await allEnded(client);
}, 600_000);

afterAll(() => alone.close());

test(`${JOBS} jobs at once through one server all complete, none looked at below the floor`, {
  timeout: 600_000,
}, async () => {
  const { looks } = traffic(alone);
  expect(hastyLooks(looks)).toEqual(looks.map(() => 0));
  expect(looks.flat().length).toBeLessThanOrEqual(looksOfOne(looks));
  expect(await verify(alone, aloneJobs)).toEqual({
    completed: JOBS,
    unknown: 0,
    notSent: 0,
    charges: JOBS,
  });
});

test.each([2, 4])(
  "%i processes on one folder, one of them killed, buy and fetch each job once",
  {
    timeout: 600_000,
  },
  async (processes) => {
    const bench = await Bench.open(UPSTREAM);
    try {
      const clients = [];
      for (let i = 0; i < processes; i++) {
        clients.push(await bench.connect(CLIENTS[i % CLIENTS.length] ?? "sdk 1.x", "stdio", ENV));
      }
      const [victim, survivor] = clients;
      if (!victim || !survivor) throw new Error("there must be two at least");
      const share = JOBS / processes;
      await Promise.all(clients.map(({ client }, i) => startJobs(client, i * share, share)));
      expect(await allJobs(survivor.client)).toHaveLength(JOBS);
      // A job that the killed process was just sending would be in doubt, and rightly.
      await vi.waitUntil(
        async () => (await allJobs(survivor.client)).every((job) => !UNSENT.includes(job.state)),
        { timeout: 300_000, interval: 100 },
      );
      // In the middle of it: each process follows some jobs and has fetched others.
      await vi.waitUntil(() => traffic(bench).fetches.size >= JOBS / 3, { timeout: 300_000 });
      await victim.program.kill("SIGKILL");
      expect(traffic(bench).fetches.size).toBeLessThan(JOBS);

      const jobs = await allEnded(survivor.client);
      // What the killed process was fetching just then is fetched again, by one of the others.
      const { looks, fetches } = traffic(bench);
      const again = [...fetches.values()].filter((count) => count > 1);
      expect(again.length).toBeLessThanOrEqual(share);
      expect(Math.max(1, ...again)).toBeLessThanOrEqual(2);
      // A job of the killed process may be looked at out of turn when another takes it over.
      const hasty = hastyLooks(looks).filter((count) => count > 0);
      expect(hasty.length).toBeLessThanOrEqual(share);
      expect(Math.max(0, ...hasty)).toBeLessThanOrEqual(1);
      expect(looks.flat().length).toBeLessThanOrEqual(1.5 * looksOfOne(looks));
      const verdict = await verify(bench, jobs);
      expect(verdict).toEqual({ completed: JOBS, unknown: 0, notSent: 0, charges: JOBS });
    } finally {
      await bench.close();
    }
  },
);

test("many first opens of one folder at once all succeed", { timeout: 600_000 }, async () => {
  const bench = await Bench.open();
  try {
    const programs = Array.from({ length: 8 }, () => bench.launch(["jobs"]));
    const codes = await Promise.all(programs.map((program) => program.exited()));
    const said = programs.map(({ stderr }) => stderr).join("");
    expect(codes, said).toEqual(codes.map(() => 0));
  } finally {
    await bench.close();
  }
});
