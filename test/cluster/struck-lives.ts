import { readFile, rm } from "node:fs/promises";
import { expect, vi } from "vitest";
import * as z from "zod";
import { LOCAL_OWNER } from "../../src/core/owner.ts";
import { UNFINISHED_STATES } from "../../src/jobs/job.ts";
import { mediumSchema } from "../../src/storage/rows/job-rows.ts";
import { PATIENTLY } from "../e2e/harness.ts";
import { PICTURE, type StruckHouse, type StruckReplica } from "./struck-replicas.ts";

/** Who lives through it: what is asked of the first goes through the proxy that strikes. */
export interface Cast {
  house: StruckHouse;
  /** Struck. */
  first: StruckReplica;
  /** Goes on with what the first one leaves. */
  second: StruckReplica;
  /** Of the call: whoever repeats it gets the same job. */
  key: string;
}

/** Something that happens to one job. */
export interface Life {
  live(cast: Cast): Promise<void>;
  /** How it may end; completed when absent. */
  ends?: readonly string[];
  /**
   * The second one takes the first for gone. What that was just sending ends as unknown then, and
   * once more where the first one hears what came of it.
   */
  isTakenOver?: boolean;
  /** How often it ends; once when absent. */
  timesEnded?: number;
  /** The first replica is another one each time. */
  isItsLast?: boolean;
}

const rowSchema = z.object({
  ...{
    job_id: z.string(),
    operation: z.string(),
    state: z.string(),
    charge: z.string(),
    lease_holder: z.string().nullable(),
  },
  cost_usd: z.number().nullable(),
  media: z.string().transform((text) => z.array(mediumSchema).parse(JSON.parse(text))),
});
type StruckJob = z.output<typeof rowSchema>;

const JOB_ID = /job_[a-z2-7]+/;

/** Makes a call again until it is answered, as whoever got no answer does. */
async function insisting<T>(work: () => Promise<T>): Promise<T> {
  return vi.waitFor(work, { ...PATIENTLY, interval: 5 });
}

const picture = (key: string, wait: number) => ({
  ...{ prompt: "A cat", image_size: "square_1_1", previews: "off" },
  ...{ idempotency_key: key, wait_seconds: wait },
});

async function bought({ first, key }: Cast, wait = 40): Promise<string> {
  const said = await insisting(() => first.call(PICTURE, picture(key, wait)));
  return JOB_ID.exec(said)?.[0] ?? "";
}

export async function jobsIn({ sql }: StruckHouse): Promise<StruckJob[]> {
  const rows = await sql`SELECT * FROM jobs`;
  return rows.map((row) => rowSchema.parse(row));
}

/**
 * Asks for a picture.
 * @returns once it is on its way, or its message is struck: the next thing may happen. The call goes on.
 */
async function begun({ house, first, key }: Cast): Promise<{ over: Promise<unknown> }> {
  let isBegun = false;
  const call = () => first.call(PICTURE, picture(key, 40));
  const again = (): Promise<unknown> => call().catch(() => (isBegun ? undefined : again()));
  const over = again();
  await vi.waitFor(
    async () => {
      const [job] = await jobsIn(house);
      expect(first.proxy.hasStruck || (job && job.state !== "queued")).toBe(true);
    },
    { ...PATIENTLY, interval: 2 },
  );
  isBegun = true;
  return { over };
}

export const LIVES: Readonly<Record<string, Life>> = {
  bought: {
    live: async (cast) => void (await bought(cast)),
  },
  "asked twice": {
    async live(cast) {
      const again = () => cast.second.call(PICTURE, picture(cast.key, 40));
      await Promise.all([bought(cast), insisting(again)]);
    },
  },
  "refused first": {
    async live(cast) {
      const { faults } = cast.house.sandbox;
      const match = { method: "POST" };
      // Long enough for what is late to come meanwhile.
      faults.add({ kind: "slow", ms: 100, times: 0, match });
      faults.add({ kind: "status", status: 429, match });
      await bought(cast);
    },
  },
  cancelled: {
    ends: ["cancelled", "completed"],
    async live(cast) {
      const { faults } = cast.house.sandbox;
      const headers = { "retry-after": "5" };
      faults.add({ kind: "status", status: 429, headers, times: 0, match: { method: "POST" } });
      const job_id = await bought(cast, 0);
      await insisting(() => cast.first.call("job_cancel", { job_id }));
      faults.clear();
    },
  },
  deleted: {
    async live(cast) {
      const job_id = await bought(cast);
      await insisting(async () => {
        await cast.first.call("job_delete", { job_id, files: true }).catch((error: unknown) => {
          if (!/not_found/.test(String(error))) throw error;
        });
      });
    },
  },
  "fetched again": {
    async live(cast) {
      await bought(cast);
      const [job] = await jobsIn(cast.house);
      for (const { path } of job?.media ?? []) await rm(path);
      const { jobs } = cast.first.runtime;
      await insisting(async () => jobs.restore(await jobs.get(LOCAL_OWNER, job?.job_id ?? "")));
    },
  },
  found: {
    timesEnded: 2,
    async live(cast) {
      const { house, first } = cast;
      house.sandbox.faults.add({ kind: "reset-after", match: { method: "POST" } });
      await insisting(async () => {
        await first.call(PICTURE, picture(cast.key, 40)).catch(() => undefined);
        expect((await jobsIn(house))[0]?.state).toBe("unknown");
      });
      const made = house.sandbox.requests().find(({ charged }) => charged);
      await insisting(async () => {
        const [job] = await jobsIn(house);
        await first.call("job_status", {
          job_id: job?.job_id,
          request_id: made?.requestId,
          ...{ wait_seconds: 40, previews: "off" },
        });
      });
    },
  },
  "a turn": {
    // What was recorded late has no turn any more, and is not sent.
    ends: ["completed", "failed"],
    async live({ first, key }) {
      const turn = { prompt: "Hello", idempotency_key: key, wait_seconds: 40 };
      await insisting(async () => {
        await first.call("longcat_chat", turn).catch((error: unknown) => {
          if (!/No answer came/.test(String(error))) throw error;
        });
      });
    },
  },
  "taken over": {
    ends: ["completed", "unknown"],
    isTakenOver: true,
    async live(cast) {
      const { first, second, key, house } = cast;
      const { over } = await begun(cast);
      first.proxy.shut();
      await insisting(() => second.call(PICTURE, picture(key, 0)));
      await vi.waitFor(
        async () => {
          const [job] = await jobsIn(house);
          expect(job?.lease_holder).not.toMatch(/first/);
        },
        { ...PATIENTLY, interval: 5 },
      );
      await first.proxy.letGo();
      await isAtRest(house);
      first.proxy.letIn();
      await over;
    },
  },
  ended: {
    ends: ["completed", "unknown"],
    isItsLast: true,
    async live(cast) {
      const { first, second, key } = cast;
      const { over } = await begun(cast);
      await first.end();
      await over;
      await insisting(() => second.call(PICTURE, picture(key, 0)));
    },
  },
};

/** Once nothing goes on. @throws what still does, and whose it is */
export async function isAtRest(house: StruckHouse): Promise<void> {
  const open = async () => {
    const jobs = await jobsIn(house);
    const left = jobs.filter(({ state }) => UNFINISHED_STATES.some((one) => one === state));
    expect(left.map(({ state, lease_holder }) => `${state} of ${lease_holder}`)).toEqual([]);
  };
  await vi.waitFor(open, { ...PATIENTLY, interval: 5 });
}

/** What is not as it must be, once everything is at rest. */
export async function wrongs(
  cast: Cast,
  { ends: may = ["completed"], timesEnded = 1, isTakenOver = false }: Life,
): Promise<string[]> {
  const { house, second } = cast;
  const found: string[] = [];
  const must = (isSo: boolean, what: string) => {
    if (!isSo) found.push(what);
  };
  const paid = house.sandbox.requests().filter(({ charged }) => charged).length;
  const jobs = await jobsIn(house);
  const deleted = await house.sql`SELECT * FROM deleted_jobs`;
  must(jobs.length + deleted.length === 1, `${jobs.length} jobs and ${deleted.length} deleted`);
  must(paid <= 1, `paid for ${paid} times`);
  for (const { operation, state, charge, media, lease_holder } of jobs) {
    must(may.includes(state), `it is ${state}`);
    must(lease_holder === null, `it is ${state} and ${lease_holder}'s`);
    if (state === "completed") must(paid === 1, `it is ${state}, and was paid for ${paid} times`);
    if (state === "failed") must(paid === 0, `it is ${state}, and was paid for`);
    if (state === "unknown") must(charge === "uncertain", `it is ${state} and ${charge}`);
    if (operation === PICTURE && charge === "none")
      must(paid === 0, `it is ${state}, cost ${charge}, and was paid for`);
    for (const { path, sizeBytes } of media) {
      const bytes = await readFile(path).catch(() => Buffer.alloc(0));
      must(bytes.length === sizeBytes, `${path} has ${bytes.length} bytes of ${sizeBytes}`);
    }
  }
  const always = { since: 0 };
  const { total } = await second.runtime.store.spending(LOCAL_OWNER, 0, always);
  const cost = jobs.reduce((sum, job) => sum + (job.cost_usd ?? 0), 0);
  if (deleted.length === 0) must(total.spentUsd === cost, `spent ${total.spentUsd}, cost ${cost}`);
  must(total.reservedUsd === 0, `${total.reservedUsd} reserved`);
  // By its own sum: days of hasty ones pass sooner than ours.
  const [days] = await house.sql`SELECT coalesce(sum(usd), 0)::float AS usd FROM money_days
    WHERE owner = ${LOCAL_OWNER}`;
  const sum = total.spentUsd + total.uncertainUsd;
  must(Math.abs(Number(days?.["usd"]) - sum) < 1e-9, `${days?.["usd"]} committed, of ${sum}`);
  const ended = await house.sql`SELECT 1 FROM audit_log JOIN jobs USING (job_id)
    WHERE event = 'job_ended'`;
  const ends = jobs.filter(({ state }) => state !== "cancelled").length * timesEnded;
  const isRight = ended.length === ends || (isTakenOver && ended.length > ends);
  must(isRight, `ended ${ended.length} times`);
  // One that was begun late and has no job is swept away a while after.
  const turns =
    await house.sql`SELECT 1 FROM chat_turns JOIN jobs USING (job_id) WHERE is_open = 1`;
  must(turns.length === 0, "a turn is open");
  return found;
}

/** As if nothing had happened: only the replicas stay. */
export async function forgetAll({ sandbox, sql }: StruckHouse): Promise<void> {
  sandbox.faults.clear();
  sandbox.clearRequests();
  await sql.unsafe(
    "DELETE FROM jobs; DELETE FROM deleted_jobs; TRUNCATE chat_threads, chat_turns CASCADE",
  );
}
