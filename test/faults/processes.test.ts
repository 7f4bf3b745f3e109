import { afterAll, beforeAll, expect, test } from "vitest";
import { Bench, CLIENTS } from "../e2e/harness.ts";
import { allEnded, allJobs, type JobRow, verify } from "./witness.ts";

/** More by hand: the figure in the documentation is of 1,000. */
const JOBS = Number(process.env["FAULT_JOBS"] ?? 200);
const POLL_FLOOR_MS = 50;

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
  return { looks, fetches };
}

/** The usual time between two looks at one job, in milliseconds: two followers would halve it. */
function usualGapMs(bench: Bench): number {
  const gaps = [...traffic(bench).looks.values()].flatMap((times) =>
    times.slice(1).map((at, i) => at - (times[i] ?? 0)),
  );
  return gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
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
  alone = await Bench.open({ speed: 4 });
  const { client } = await alone.connect("client 2.x");
  await startJobs(client, 0, JOBS);
  aloneJobs = await allEnded(client);
}, 600_000);

afterAll(() => alone.close());

test(`${JOBS} jobs at once through one server all complete, none looked at below the floor`, {
  timeout: 60_000,
}, async () => {
  for (const times of traffic(alone).looks.values()) {
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    // The upstream's clock sees requests a little closer or further than they were sent.
    expect(Math.min(...gaps, Number.POSITIVE_INFINITY)).toBeGreaterThan(POLL_FLOOR_MS * 0.5);
  }
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
    timeout: 180_000,
  },
  async (processes) => {
    const bench = await Bench.open({ speed: 4 });
    try {
      const clients = [];
      for (let i = 0; i < processes; i++) {
        clients.push(await bench.connect(CLIENTS[i % CLIENTS.length] ?? "sdk 1.x"));
      }
      const [victim, survivor] = clients;
      if (!victim || !survivor) throw new Error("there must be two at least");
      const share = JOBS / processes;
      await Promise.all(clients.map(({ client }, i) => startJobs(client, i * share, share)));
      expect(await allJobs(survivor.client)).toHaveLength(JOBS);
      const fetchedBefore = new Set(traffic(bench).fetches.keys());
      await victim.program.kill("SIGKILL");

      const jobs = await allEnded(survivor.client);
      // What the killed process was fetching just then is fetched again.
      const again = [...traffic(bench).fetches].filter(([, count]) => count > 1);
      expect(again.every(([path]) => fetchedBefore.has(path))).toBe(true);
      expect(usualGapMs(bench)).toBeGreaterThanOrEqual(usualGapMs(alone) / 1.5);
      const verdict = await verify(bench, jobs);
      expect(verdict.completed + verdict.unknown).toBe(JOBS);
    } finally {
      await bench.close();
    }
  },
);

test("many first opens of one folder at once all succeed", { timeout: 60_000 }, async () => {
  const bench = await Bench.open();
  try {
    const programs = Array.from({ length: 8 }, () => bench.launch(["jobs"]));
    const codes = await Promise.all(programs.map((program) => program.exited()));
    expect(codes).toEqual(codes.map(() => 0));
  } finally {
    await bench.close();
  }
});
