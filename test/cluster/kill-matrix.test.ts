import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import * as z from "zod";
import { LIFE_POINTS, type LifePoint } from "../../src/jobs/job-context.ts";
import { Bench, PATIENTLY } from "../e2e/harness.ts";
import { ask, freshDatabase } from "./fresh-database.ts";
import { round, STRIKES, type Strike } from "./strikes.ts";
import { type Tally, ThreeReplicas } from "./three-replicas.ts";

/*
 * Every point of a job's life, with the plug pulled there at one of several replicas: another one
 * goes on. And whatever else can be wrong there. Rounds by hand: CLUSTER_ROUNDS=100, some of
 * them: CLUSTER_STRIKES=frozen,cut.
 */

const ROUNDS = Number(process.env["CLUSTER_ROUNDS"] ?? 1);
const TIMEOUT_MS = 600_000 + 300_000 * ROUNDS;
const START = "z_image_turbo_generate";
/** At these nobody can say whether it was sent. */
const IN_DOUBT: readonly LifePoint[] = ["before-post", "after-reply"];
/** With these the gateway has not been asked, or nothing was recorded before it would have been. */
const NEVER_SENT: readonly LifePoint[] = ["before-post", "before-record"];
/** A replica that was killed with another's job is no trial of its own: then there is another. */
const MOST_KILLS = 6;

let bench: Bench;
let url = "";

/** A machine of its own, as far as files go. */
async function replica(name: string, env: Record<string, string> = {}) {
  return bench.connect("client 2.x", "http", {
    LONGCAT_MCP_DATABASE_URL: url,
    LONGCAT_MCP_DATA_DIR: join(bench.folder, name, "data"),
    LONGCAT_MCP_OUTPUT_DIR: join(bench.folder, name, "out"),
    ...env,
  });
}

const rowSchema = z.object({
  ...{ job_id: z.string(), state: z.string(), charge: z.string(), prompt: z.string() },
  fence: z.coerce.number(),
  media: z.string().transform((text) => z.array(z.unknown()).parse(JSON.parse(text))),
});

async function recorded() {
  const sql = `SELECT job_id, state, charge, fence, media, prompt FROM longcat_mcp.jobs
    JOIN longcat_mcp.job_bodies USING (job_id) ORDER BY seq`;
  return (await ask(url, sql)).map((row) => rowSchema.parse(row));
}

const allOver = () =>
  vi.waitFor(async () => {
    const open = (await recorded()).filter(
      ({ state }) => !["completed", "unknown", "failed", "cancelled"].includes(state),
    );
    expect(open).toEqual([]);
  }, PATIENTLY);

/** How often the provider was asked for a picture. */
function purchasesOf(prompt: string): number {
  return bench.sandbox
    .requests()
    .filter(({ method, body }) => method === "POST" && JSON.stringify(body)?.includes(prompt))
    .length;
}

/** Finished pictures on all machines. */
async function pictures(): Promise<string[]> {
  const all = await readdir(bench.folder, { recursive: true });
  return all.filter((file) => file.endsWith(".png"));
}

const promptOf = (point: LifePoint, round: number) => `A picture of ${point}, ${round}.`;

/** A replica that is killed where it is with its job, or whose job another was quicker with. */
async function killedAt(point: LifePoint, prompt: string): Promise<void> {
  const env = { LONGCAT_MCP_TEST_CRASH_AT: point };
  // Killed with another's job before it had its own, where starts take long.
  const doomed = await replica(point, env).catch(() => undefined);
  if (!doomed) return;
  void doomed.client
    .call(START, { prompt, image_size: "square_1_1", wait_seconds: 100 })
    .catch(() => "killed");
  // Others may be quicker with what comes late in its life.
  await vi.waitFor(async () => {
    const isOver = (await recorded()).some(
      (job) => job.prompt === prompt && job.state === "completed",
    );
    expect(isOver || doomed.program.child.signalCode !== null).toBe(true);
  }, PATIENTLY);
  await doomed.program.kill("SIGKILL");
}

describe("of several replicas one is killed", () => {
  beforeEach(async () => {
    bench = await Bench.open();
    url = await freshDatabase();
  });
  afterEach(() => bench.close());

  test("wherever it is with a job: the others finish it, once, or say that nobody knows", {
    timeout: TIMEOUT_MS,
  }, async () => {
    await replica("survivor");
    const lastRound = new Map<LifePoint, number>();
    let points: readonly LifePoint[] = LIFE_POINTS;
    for (let round = 1; points.length > 0; round++) {
      expect(round, points.join()).toBeLessThanOrEqual(MOST_KILLS);
      // One that took up another's job is killed with that, maybe before it had its own.
      await allOver();
      for (const point of points) lastRound.set(point, round);
      await Promise.all(points.map((point) => killedAt(point, promptOf(point, round))));
      await allOver();
      const jobs = await recorded();
      points = points.filter((point) => {
        const job = jobs.find(({ prompt }) => prompt === promptOf(point, round));
        return job
          ? job.state === "unknown" && !IN_DOUBT.includes(point)
          : point !== "before-record";
      });
    }
    const jobs = await recorded();
    for (const { prompt } of jobs) {
      expect(jobs.filter((one) => one.prompt === prompt)).toHaveLength(1);
      expect(purchasesOf(prompt), prompt).toBeLessThanOrEqual(1);
    }
    for (const [point, round] of lastRound) {
      const prompt = promptOf(point, round);
      const job = jobs.find((one) => one.prompt === prompt);
      // Taken up by another that was to be killed, and killed with it in turn, where it was by then.
      if (job?.state === "unknown" && job.fence > 1) continue;
      expect(purchasesOf(prompt), prompt).toBe(NEVER_SENT.includes(point) ? 0 : 1);
      if (point === "before-record") expect(job).toBeUndefined();
      else if (IN_DOUBT.includes(point)) {
        expect(job, prompt).toMatchObject({ state: "unknown", charge: "uncertain", media: [] });
      } else {
        expect(job, prompt).toMatchObject({ state: "completed", charge: "spent" });
        expect(job?.media, prompt).toHaveLength(1);
      }
    }
    const completed = jobs.filter(({ state }) => state === "completed");
    expect((await pictures()).length).toBeGreaterThanOrEqual(completed.length);
    const ends = `SELECT job_id, count(*) AS n FROM longcat_mcp.audit_log
        WHERE event = 'job_ended' GROUP BY job_id HAVING count(*) > 1`;
    expect(await ask(url, ends)).toEqual([]);
  });
});

/** One of each kind, where it hurts; by hand all of them at every point. */
const SAMPLE: readonly (readonly [LifePoint, Strike])[] = [
  ["after-reply", "frozen"],
  ["before-post", "cut"],
  ["before-completed", "restarted"],
  ["before-rename", "500"],
  ["before-download", "503"],
  ["after-look", "hangs"],
  ["after-accepted", "full"],
];
const NOTHING: Tally = { jobs: 0, doubled: [], lost: [], unknown: [], short: [] };
const { CLUSTER_STRIKES } = process.env;
const EVERYWHERE = STRIKES.filter(
  (strike) => CLUSTER_STRIKES?.split(",").includes(strike) ?? true,
).flatMap((strike) => LIFE_POINTS.map((point) => [point, strike] as const));
const many = Array.from({ length: Math.ceil(ROUNDS / EVERYWHERE.length) }, () => EVERYWHERE).flat();
const rounds = ROUNDS > 1 ? many.slice(0, ROUNDS) : SAMPLE;

test("of three replicas one is struck, or what all stand on: nothing is doubled, lost or short", {
  timeout: TIMEOUT_MS,
}, async () => {
  const replicas = await ThreeReplicas.open();
  onTestFinished(() => replicas.close());
  const all: Tally = structuredClone(NOTHING);
  for (const [n, [point, strike]] of rounds.entries()) {
    const tally = await round(replicas, point, strike, String(n)).catch(
      // What never comes to an end is lost.
      (error): Tally => ({ ...NOTHING, lost: [`${strike} at ${point}: ${error}`] }),
    );
    all.jobs += tally.jobs;
    for (const kind of ["doubled", "lost", "unknown", "short"] as const) {
      all[kind].push(...tally[kind]);
    }
    if (ROUNDS > 1) console.info(n, point, strike, tally);
  }
  if (ROUNDS > 1) console.info(`${rounds.length} rounds`, all);
  expect(all).toMatchObject({ doubled: [], lost: [], short: [] });
});
