import * as fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import type { Charge, WholeJob } from "../../../src/jobs/job.ts";
import type { SpendingReport, TimeSpan } from "../../../src/jobs/job-store.ts";
import { Connection } from "../../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../../src/storage/sqlite/sqlite-job-store.ts";
import { aJob } from "../../support/made-jobs.ts";
import { NO_LIMITS, OWNER } from "../../support/rig.ts";
import { tempDir } from "../../support/temp-dir.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const DAY_MS = 86_400_000;
const CHARGED: readonly Charge[] = ["reserved", "spent", "uncertain"];

async function openStore() {
  const connection = new Connection(await tempDir());
  connection.all("PRAGMA synchronous=OFF", []);
  const store = new SqliteJobStore(connection);
  onTestFinished(() => store.close());
  return { connection, store };
}

async function admit(store: SqliteJobStore, job: WholeJob): Promise<void> {
  await store.admit(job, "me", { forceNew: true, limits: NO_LIMITS, now: NOW });
}

const usdOf = ({ charge, costUsd, reservedUsd }: WholeJob) =>
  (charge === "spent" ? (costUsd ?? reservedUsd) : reservedUsd) ?? 0;

/** A report of jobs, added up one by one. */
function addedUp(jobs: readonly WholeJob[], { since = 0, before = NOW * 2 }: TimeSpan) {
  const charged = jobs.filter(({ charge }) => CHARGED.includes(charge));
  const sums = (some: readonly WholeJob[]) => {
    const usd = (charge: Charge) =>
      Math.round(
        some.filter((job) => job.charge === charge).reduce((sum, job) => sum + usdOf(job), 0) * 1e6,
      ) / 1e6;
    return {
      spentUsd: usd("spent"),
      reservedUsd: usd("reserved"),
      uncertainUsd: usd("uncertain"),
      jobs: some.length,
      unpriced: some.filter((job) => job.costUsd === null && job.reservedUsd === null).length,
    };
  };
  const within = charged.filter((job) => job.createdAt >= since && job.createdAt < before);
  const dayOf = ({ createdAt }: WholeJob) => new Date(createdAt).toISOString().slice(0, 10);
  const days = [...new Set(within.map(dayOf))].toSorted().toReversed();
  return {
    total: sums(within),
    thisMonth: sums(charged.filter((job) => dayOf(job) >= "2026-11-01")),
    byDay: days.map((day) => ({ day, ...sums(within.filter((job) => dayOf(job) === day)) })),
  };
}

const moment = fc.integer({ min: NOW - 40 * DAY_MS, max: NOW });
const price = fc.option(fc.integer({ min: 0, max: 2_000_000 }).map((micro) => micro / 1e6));
const someJobs = fc.array(
  fc.record({
    createdAt: moment,
    charge: fc.constantFrom<Charge>("none", ...CHARGED),
    costUsd: price,
    reservedUsd: price,
    operation: fc.constantFrom("z_image_turbo_generate", "qwen_image_edit"),
  }),
  { maxLength: 12 },
);

it("sums of days and parts of days are those of their jobs, whatever becomes of these", async () => {
  const { connection, store } = await openStore();
  await fc.assert(
    fc.asyncProperty(
      someJobs,
      fc.array(fc.tuple(fc.nat(11), fc.constantFrom<Charge>("none", ...CHARGED), price)),
      fc.option(moment, { nil: undefined }),
      fc.option(moment, { nil: undefined }),
      async (made, changes, since, before) => {
        for (const table of ["jobs", "deleted_jobs"]) connection.run(`DELETE FROM ${table}`, []);
        expect(connection.all("SELECT * FROM money_days", [])).toEqual([]);
        const jobs = made.map((change) => aJob(change));
        for (const job of jobs) await admit(store, job);
        await admit(store, aJob({ owner: "anna", costUsd: 99 }));
        for (const [which, charge, costUsd] of changes) {
          const job = jobs[which];
          if (!job) continue;
          await store.patch(OWNER, job.jobId, { charge, costUsd }, NOW);
          jobs[which] = { ...job, charge, costUsd };
        }
        // What is deleted has been paid for.
        const settled = jobs.filter(({ charge }) => charge === "spent" || charge === "none");
        const doomed = settled.slice(0, 2).map(({ jobId }) => jobId);
        await store.delete(OWNER, doomed, { withFiles: false, now: NOW });
        const period = {
          ...(since === undefined ? {} : { since }),
          ...(before === undefined ? {} : { before }),
        };
        const { total, thisMonth, byDay }: SpendingReport = await store.spending(
          OWNER,
          NOW,
          period,
        );
        expect({ total, thisMonth, byDay }).toEqual(addedUp(jobs, period));
        const committed = jobs
          .filter(({ charge, createdAt }) => charge !== "none" && createdAt > NOW - 19.5 * DAY_MS)
          .reduce((sum, job) => sum + (job.costUsd ?? job.reservedUsd ?? 0), 0);
        expect((await store.committed(OWNER, NOW)).thisMonthUsd).toBeCloseTo(committed, 6);
      },
    ),
    { numRuns: 40 },
  );
});

it("jobs that are forgotten leave the sums", async () => {
  const { store } = await openStore();
  await admit(store, aJob({ createdAt: NOW - 400 * DAY_MS, updatedAt: NOW - 400 * DAY_MS }));
  await admit(store, aJob({ createdAt: NOW - DAY_MS, costUsd: 0.1 }));
  await admit(store, aJob({ createdAt: NOW, costUsd: 0.2 }));
  expect((await store.spending(OWNER, NOW)).total).toMatchObject({ jobs: 3, spentUsd: 0.31 });
  await store.forget(90, NOW);
  const { total, byDay } = await store.spending(OWNER, NOW);
  expect(total).toMatchObject({ jobs: 2, spentUsd: 0.3 });
  expect(byDay).toHaveLength(2);
});

it("what is taken back leaves nothing, of no sign either", async () => {
  const { connection, store } = await openStore();
  const [one, other] = [aJob({ costUsd: 0.1 }), aJob({ costUsd: 0.2 })];
  for (const job of [one, other]) await admit(store, job);
  await store.patch(OWNER, other.jobId, { charge: "none" }, NOW);
  await store.patch(OWNER, one.jobId, { costUsd: 0 }, NOW);
  expect((await store.spending(OWNER, NOW)).total).toEqual({
    ...{ spentUsd: 0, reservedUsd: 0, uncertainUsd: 0, jobs: 1, unpriced: 0 },
  });
  await store.patch(OWNER, one.jobId, { charge: "none" }, NOW);
  expect(connection.all("SELECT * FROM money_days", [])).toEqual([]);
});
