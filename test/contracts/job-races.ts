import { describe, expect, it } from "vitest";
import type { WholeJob } from "../../src/jobs/job.ts";
import { leftJob, NO_LIMITS, OWNER } from "../support/rig.ts";
import { BASE, benchFor, type StoreKit } from "./kit.ts";
import { processesFor } from "./processes.ts";
import { codesOf, type Race, valuesOf } from "./racer.ts";

/** What must hold where several processes want the same thing at once. */
export function describeJobRaces(kit: StoreKit): void {
  const bench = benchFor(kit);
  const race = processesFor(kit);
  const jobs = (method: string, calls: Race["calls"]): Race => ({ store: "jobs", method, calls });
  const purchases = (count: number, change: (n: number) => Partial<WholeJob>) =>
    Array.from({ length: count }, (_, n) => leftJob({ baseUrl: BASE, ...change(n) }));

  describe("two processes", () => {
    it("cannot both take the last dollar: of 64 purchases as many are admitted as fit", async () => {
      const limits = { ...NO_LIMITS, perDayUsd: 1 };
      const admits = (holder: string) =>
        purchases(32, (n) => ({ reservedUsd: 0.15, fingerprint: `${holder} ${n}` })).map((job) => [
          job,
          holder,
          { forceNew: false, limits, now: job.createdAt },
        ]);
      const found = (
        await race(bench.place, jobs("admit", admits("one")), jobs("admit", admits("two")))
      ).flat();
      expect(valuesOf(found)).toEqual(Array.from({ length: 6 }, () => ({ kind: "new" })));
      expect(codesOf(found)).toEqual(Array.from({ length: 58 }, () => "over_budget"));
      expect((await bench.jobs.list({ owner: OWNER, limit: 100 })).jobs).toHaveLength(6);
    });

    it.each([
      ["under one idempotency key", { idempotencyKey: "once", fingerprint: "same" }],
      ["that are the same", { fingerprint: "same" }],
    ])("record one of 64 jobs %s, and are told of that one", async (_, change) => {
      const admits = (holder: string) =>
        purchases(32, () => change).map((job) => [
          job,
          holder,
          { forceNew: false, limits: NO_LIMITS, now: job.createdAt },
        ]);
      const found = valuesOf(
        (
          await race(bench.place, jobs("admit", admits("one")), jobs("admit", admits("two")))
        ).flat(),
      );
      const { jobs: recorded } = await bench.jobs.list({ owner: OWNER, limit: 100 });
      expect(recorded).toHaveLength(1);
      expect(found).toHaveLength(64);
      const duplicates = found.filter((one) => JSON.stringify(one) !== '{"kind":"new"}');
      // A list has the prompt beside each job.
      const { prompt: _prompt, ...job } = recorded[0] ?? { prompt: null };
      expect(duplicates).toEqual(Array.from({ length: 63 }, () => ({ kind: "duplicate", job })));
    });

    it("move a job on once, whoever comes first", async () => {
      const queued = await Promise.all(Array.from({ length: 20 }, () => bench.add()));
      const moves = (to: "submitting" | "cancelled", now: number) =>
        queued.map(({ jobId }) => [OWNER, jobId, { from: "queued", to, patch: {}, now }]);
      const [sent = [], cancelled = []] = await race(
        bench.place,
        jobs("transition", moves("submitting", 2)),
        jobs("transition", moves("cancelled", 3)),
      );
      expect(codesOf([...sent, ...cancelled])).toEqual([]);
      expect(valuesOf([...sent, ...cancelled])).toHaveLength(20);
      for (const [n, { jobId }] of queued.entries()) {
        const [winner] = valuesOf([sent[n], cancelled[n]].flatMap((one) => one ?? []));
        expect(await bench.jobs.get(OWNER, jobId)).toMatchObject(winner ?? {});
      }
    });

    it("take over each job of one that is gone once", async () => {
      const left = [];
      for (let n = 0; n < 20; n++) left.push((await bench.add({ state: "running" })).jobId);
      const takes = (holder: string) => Array.from({ length: 4 }, () => [holder, ["me"], BASE, []]);
      const [one = [], two = []] = await race(
        bench.place,
        jobs("takeOver", takes("one")),
        jobs("takeOver", takes("two")),
      );
      const taken = valuesOf([...one, ...two]).flat();
      expect(taken).toHaveLength(20);
      const held = await Promise.all([bench.jobs.beat("one"), bench.jobs.beat("two")]);
      expect(held.flat().sort()).toEqual(left.sort());
    });

    it("settle a job by hand, or find its request: never both", async () => {
      const doubtful = { state: "unknown", charge: "uncertain", reservedUsd: 0.13 } as const;
      const inDoubt = await Promise.all(Array.from({ length: 20 }, () => bench.add(doubtful)));
      const goesOn = { from: "unknown", to: "running", patch: { charge: "reserved" }, now: 4 };
      await race(
        bench.place,
        jobs(
          "settle",
          inDoubt.map(({ jobId }) => [OWNER, jobId, "none", 5]),
        ),
        jobs(
          "transition",
          inDoubt.map(({ jobId }) => [OWNER, jobId, goesOn]),
        ),
      );
      for (const { jobId } of inDoubt) {
        // Settled first or not: it goes on, and what was decided by hand no longer counts.
        expect(await bench.jobs.get(OWNER, jobId)).toMatchObject({
          state: "running",
          charge: "reserved",
          costUsd: null,
        });
        expect(await bench.jobs.settle(OWNER, jobId, "none", 6)).toBeUndefined();
      }
    });

    it("hear of each other's changes, each once", async () => {
      await bench.jobs.changes();
      const added = purchases(40, () => ({}));
      const admits = added.map((job) => [
        job,
        "other",
        { forceNew: true, limits: NO_LIMITS, now: 1 },
      ]);
      await race(bench.place, jobs("admit", admits.slice(0, 20)), jobs("admit", admits.slice(20)));
      const heard = (await bench.jobs.changes()).map((job) => job.jobId);
      expect(heard.sort()).toEqual(added.map((job) => job.jobId).sort());
      expect(await bench.jobs.changes()).toEqual([]);
    });
  });
}
