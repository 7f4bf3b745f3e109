import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { OWNER } from "../support/rig.ts";
import { hostedActs, stagedFile } from "./hosted-acts.ts";
import { benchFor, STRANGER, type StoreKit } from "./kit.ts";
import { processesFor } from "./processes.ts";
import { codesOf, type Outcome, type Race, valuesOf } from "./racer.ts";

const DAY_MS = 24 * 3_600_000;

/** Holds an implementation of `HostingRecord` to everything that the program relies on. */
export function describeHostingRecord(kit: StoreKit): void {
  const bench = benchFor(kit);
  const race = processesFor(kit);
  const acts = () => hostedActs(bench.hosting, bench.place);
  const there = async () => (await readdir(join(bench.place, "files"))).sort();

  describe("what a job needs", () => {
    it("is noted once its files have their place, also for another process", async () => {
      const claimed = await acts().claim(OWNER, "job_a", ["x.png", "y.zip"], { sizeBytes: 30 });
      expect(claimed).toEqual({ isNoted: true, usedBytes: 0, addedBytes: 60 });
      for (const { hosting } of [bench, await bench.another()]) {
        expect(await hosting.filesOf(OWNER, "job_a")).toEqual([
          { name: "x.png", sizeBytes: 30 },
          { name: "y.zip", sizeBytes: 30 },
        ]);
      }
      expect(await bench.hosting.filesOf(OWNER, "job_b")).toEqual([]);
      expect(await acts().held(OWNER, "job_a")).toEqual([
        ["x.png", true],
        ["y.zip", true],
      ]);
    });

    it("is not noted where a file does not get its place", async () => {
      const full = () => Promise.reject(new AppError("storage", "The disk is full."));
      const claim = { owner: OWNER, jobId: "job_a", files: [stagedFile("x")], maxBytes: 9 };
      await expect(bench.hosting.claim(claim, full)).rejects.toMatchObject({ code: "storage" });
      expect(await bench.hosting.filesOf(OWNER, "job_a")).toEqual([]);
    });

    it("is counted by file, not by job, and refused above the limit with nothing placed", async () => {
      const limited = { sizeBytes: 40, maxBytes: 100 };
      await acts().claim(OWNER, "job_a", ["x"], limited);
      expect(await acts().claim(OWNER, "job_b", ["x", "y"], limited)).toEqual({
        ...{ isNoted: true, usedBytes: 40, addedBytes: 40 },
      });
      expect(await acts().claim(OWNER, "job_c", ["y", "z"], limited)).toEqual({
        ...{ isNoted: false, usedBytes: 80, addedBytes: 40 },
      });
      expect(await bench.hosting.filesOf(OWNER, "job_c")).toEqual([]);
      expect(await there()).toEqual(["x", "y"]);
      await acts().release(OWNER, "job_b");
      expect((await acts().claim(OWNER, "job_c", ["y", "z"], limited)).isNoted).toBe(false);
      expect((await acts().claim(OWNER, "job_c", ["z"], limited)).isNoted).toBe(true);
    });

    it("is refused above an owner's own limit, of which others use nothing", async () => {
      const limited = { sizeBytes: 40, maxBytes: 1_000, maxOwnBytes: 100 };
      await acts().claim(OWNER, "job_a", ["x", "y"], limited);
      expect(await acts().claim(OWNER, "job_b", ["z"], limited)).toEqual({
        ...{ isNoted: false, usedBytes: 80, addedBytes: 40 },
      });
      expect((await acts().claim(STRANGER, "job_s", ["s", "t"], limited)).isNoted).toBe(true);
      expect((await acts().claim(OWNER, "job_b", ["x"], limited)).isNoted).toBe(true);
    });

    it("can be asked about before: what a claim would come to, with nothing noted or placed", async () => {
      const claim = (names: string[]) => ({
        ...{ owner: OWNER, jobId: "job_b", maxBytes: 100, maxOwnBytes: 90 },
        files: names.map((name) => stagedFile(name, 40)),
      });
      await acts().claim(OWNER, "job_a", ["x"], { sizeBytes: 40 });
      expect(await bench.hosting.wouldClaim(claim(["x", "y"]))).toEqual({
        ...{ isNoted: true, usedBytes: 40, addedBytes: 40 },
      });
      expect(await bench.hosting.wouldClaim(claim(["y", "z"]))).toEqual({
        ...{ isNoted: false, usedBytes: 40, addedBytes: 80 },
      });
      expect(await bench.hosting.filesOf(OWNER, "job_b")).toEqual([]);
      expect(await there()).toEqual(["x"]);
    });

    it("is removed with the last job that needs it", async () => {
      await acts().claim(OWNER, "job_a", ["x", "y"]);
      await acts().claim(OWNER, "job_b", ["x"]);
      await acts().release(OWNER, "job_a");
      expect(await there()).toEqual(["x"]);
      expect(await bench.hosting.filesOf(OWNER, "job_a")).toEqual([]);
      await acts().release(OWNER, "job_a");
      expect(await acts().held(OWNER, "job_b")).toEqual([["x", true]]);
      await acts().release(OWNER, "job_b");
      expect(await there()).toEqual([]);
    });

    it("is needed still where it could not be removed, and can be released again", async () => {
      await acts().claim(OWNER, "job_a", ["x"]);
      const busy = () => Promise.reject(new AppError("storage", "It is in use."));
      await expect(bench.hosting.release(OWNER, "job_a", busy)).rejects.toMatchObject({
        code: "storage",
      });
      expect(await acts().held(OWNER, "job_a")).toEqual([["x", true]]);
      await acts().release(OWNER, "job_a");
      expect(await there()).toEqual([]);
    });

    it("fails with whatever is done to it, and stays noted", async () => {
      await acts().claim(OWNER, "job_a", ["x"]);
      const gone = () => Promise.reject(new AppError("storage", "It is gone."));
      await expect(bench.hosting.holding(OWNER, "job_a", gone)).rejects.toMatchObject({
        code: "storage",
      });
      expect(await bench.hosting.filesOf(OWNER, "job_a")).toHaveLength(1);
    });

    it("is not cleared away; what nobody needs is", async () => {
      await acts().claim(OWNER, "job_a", ["x"]);
      await acts().claim(STRANGER, "job_s", ["z"]);
      const cleared: string[] = [];
      await bench.hosting.clear(["x", "y", "z"], async (name) => {
        cleared.push(name);
      });
      expect(cleared).toEqual(["y"]);
    });
  });

  describe("files that are needed no more", () => {
    const overdue = async (kitOptions = {}) =>
      (await (await bench.another(kitOptions)).hosting.overdue())
        .map(({ owner, jobId }) => `${owner} ${jobId}`)
        .sort();

    it("are those of jobs that have ended, whoever's they are", async () => {
      for (const [owner, state] of [
        [OWNER, "completed"],
        [STRANGER, "failed"],
        [OWNER, "running"],
        [OWNER, "queued"],
      ] as const) {
        const { jobId } = await bench.add({ owner, state, charge: "none" });
        await acts().claim(owner, jobId, [jobId]);
      }
      const ended = (await bench.jobs.list({ owner: OWNER, limit: 9, states: ["completed"] })).jobs;
      const others = (await bench.jobs.list({ owner: STRANGER, limit: 9 })).jobs;
      const expected = [...ended, ...others].map(({ owner, jobId }) => `${owner} ${jobId}`);
      expect(await overdue()).toEqual(expected.sort());
    });

    it("are those of a job in doubt after a day, and of a start that was never recorded", async () => {
      const at = Date.now();
      const doubtful = { state: "unknown", charge: "uncertain", updatedAt: at } as const;
      const { jobId } = await bench.add(doubtful);
      await acts().claim(OWNER, jobId, ["doubt"]);
      await acts().claim(OWNER, "job_mine", ["mine"]);
      const gone = await bench.another({ holder: "gone" });
      await hostedActs(gone.hosting, bench.place).claim(OWNER, "job_gone", ["gone"]);
      expect(await overdue()).toEqual([`${OWNER} job_gone`]);
      const later = await overdue({ now: at + DAY_MS + 60_000 });
      expect(later).toEqual([`${OWNER} job_gone`, `${OWNER} ${jobId}`, `${OWNER} job_mine`].sort());
    });
  });

  describe("somebody who knows another's job", () => {
    it("sees and releases nothing of it, and is told nothing of what others need", async () => {
      await acts().claim(OWNER, "job_a", ["x"], { sizeBytes: 60 });
      expect(await bench.hosting.filesOf(STRANGER, "job_a")).toEqual([]);
      expect(await acts().held(STRANGER, "job_a")).toEqual([]);
      await acts().release(STRANGER, "job_a");
      expect(await acts().held(OWNER, "job_a")).toEqual([["x", true]]);
      const own = await acts().claim(STRANGER, "job_s", ["y"], { sizeBytes: 50, maxBytes: 100 });
      expect(own).toEqual({ isNoted: false, usedBytes: 0, addedBytes: 50 });
    });
  });

  describe("two processes", () => {
    const hosted = (method: string, calls: Race["calls"]): Race => ({
      ...{ store: "hosted", method, calls },
    });
    const lives = (holder: string) =>
      Array.from({ length: 24 }, (_, n) => [OWNER, `job_${holder}_${n}`, `file-${n % 3}`]);

    it("never remove what the other counts on, and change a file one after the other", async () => {
      const outcomes: Outcome[] = (
        await race(bench.place, hosted("live", lives("one")), hosted("live", lives("two")))
      ).flat();
      expect(codesOf(outcomes)).toEqual([]);
      for (const held of valuesOf(outcomes)) {
        expect(held).toEqual([[expect.stringMatching(/^file-/), true]]);
      }
      expect(outcomes).toHaveLength(48);
      expect(await there()).toEqual([]);
    });

    it("cannot both take the last bytes", async () => {
      const claims = (holder: string) =>
        Array.from({ length: 16 }, (_, n) => [
          ...[OWNER, `job_${holder}_${n}`, [`${holder}-${n}`]],
          { sizeBytes: 15, maxBytes: 100 },
        ]);
      const outcomes = await race(
        bench.place,
        hosted("claim", claims("one")),
        hosted("claim", claims("two")),
      );
      const noted = valuesOf(outcomes.flat()).filter(
        (one) => typeof one === "object" && one !== null && "isNoted" in one && one.isNoted,
      );
      expect(noted).toHaveLength(6);
      expect(await there()).toHaveLength(6);
    });
  });
}
