import { describe, expect, it } from "vitest";
import { leftJob, OWNER, recordJob, summaryOf } from "../support/rig.ts";
import { BASE, benchFor, STRANGER, type StoreKit } from "./kit.ts";

/** How processes share jobs, and hear of what others do with them. */
export function describeJobSharing(kit: StoreKit): void {
  const bench = benchFor(kit);

  describe("holders", () => {
    const takeOver = (gone: string[], base: string | undefined = BASE) =>
      bench.another().then(({ jobs }) => jobs.takeOver("other", gone, base));

    it("keep their jobs until they are said to be gone", async () => {
      const job = await bench.add();
      expect(await takeOver([])).toEqual([]);
      expect(await takeOver(["me"])).toEqual([{ ...summaryOf(job), orphaned: true }]);
      expect(await takeOver(["me"])).toEqual([]);
    });

    it("are named to each other, with a beat that shows whether they live", async () => {
      await bench.add();
      expect(await bench.jobs.otherHolders("me", BASE)).toEqual([]);
      expect(await (await bench.another()).jobs.otherHolders("other", BASE)).toEqual([
        { holder: "me", beat: 0 },
      ]);
      await bench.jobs.beat("me");
      await bench.jobs.beat("me");
      expect(await (await bench.another()).jobs.otherHolders("other", BASE)).toEqual([
        { holder: "me", beat: 2 },
      ]);
      expect(
        await (await bench.another()).jobs.otherHolders("other", "https://elsewhere.example"),
      ).toEqual([]);
    });

    it("learn from their own beat what was taken from them", async () => {
      const [kept, lost] = [await bench.add(), await bench.add({ baseUrl: "http://127.0.0.1:1" })];
      expect((await bench.jobs.beat("me"))?.sort()).toEqual([kept.jobId, lost.jobId].sort());
      await bench.jobs.beat("me");
      await takeOver(["me"], lost.baseUrl);
      expect(await bench.jobs.beat("me")).toEqual([kept.jobId]);
      // The others that look see somebody who lives from here on.
      const { jobs: other } = await bench.another();
      const [before] = await other.otherHolders("other", BASE);
      await bench.jobs.beat("me");
      const [after] = await other.otherHolders("other", BASE);
      expect(after?.beat).toBeGreaterThan(before?.beat ?? Number.NaN);
    });

    it("learn it with the first beat as well, if they have shown no life before", async () => {
      const [kept, lost] = [await bench.add(), await bench.add({ baseUrl: "http://127.0.0.1:1" })];
      await takeOver(["me"], lost.baseUrl);
      expect(await bench.jobs.beat("me")).toEqual([kept.jobId]);
    });

    it("learn it however little is taken at a time, and where all of it is", async () => {
      const jobs = [await bench.add(), await bench.add()];
      const heard = async (before: readonly string[]) => (await bench.jobs.beat("me")) ?? before;
      let held = await heard([]);
      expect(held).toHaveLength(jobs.length);
      const { jobs: other } = await bench.another();
      for (const { jobId } of jobs) {
        // One of them by itself, as where the others are just being changed.
        await bench.jobs.transition(OWNER, jobId, {
          ...{ from: "submitting", to: "running", patch: {}, now: 9 },
        });
        held = await heard(held);
        expect(held).toHaveLength(jobs.length);
      }
      expect(await other.takeOver("other", ["me"], BASE)).toHaveLength(jobs.length);
      held = await heard(held);
      expect(held).toEqual([]);
      expect(await heard(held)).toEqual([]);
      expect((await other.beat("other"))?.sort()).toEqual(jobs.map(({ jobId }) => jobId).sort());
    });

    it("show nothing to others while they hold nothing, unless they watch them", async () => {
      expect(await bench.jobs.beat("me")).toEqual([]);
      await bench.jobs.beat("me", true);
      const job = await bench.add();
      const { jobs: other } = await bench.another();
      expect(await other.otherHolders("other", BASE)).toEqual([{ holder: "me", beat: 1 }]);
      await takeOver(["me"]);
      expect(await bench.jobs.beat("me", true)).toEqual([]);
      expect(await other.beat("other")).toEqual([job.jobId]);
    });

    it("get a job that two ask for at once only once", async () => {
      await bench.add();
      const [first, second] = [(await bench.another()).jobs, (await bench.another()).jobs];
      const taken = await Promise.all([
        first.takeOver("first", ["me"], BASE),
        second.takeOver("second", ["me"], BASE),
      ]);
      expect(taken.flat()).toHaveLength(1);
    });

    it("have no interest in jobs that have ended", async () => {
      for (const state of ["completed", "failed", "errored", "unknown", "cancelled"] as const) {
        await bench.add({ state });
      }
      const open = [];
      for (const state of ["queued", "submitting", "running", "downloading"] as const) {
        open.push((await bench.add({ state })).jobId);
      }
      expect((await takeOver(["me"])).map((job) => job.jobId).sort()).toEqual(open.sort());
    });

    it("take up a job that goes on after it had ended", async () => {
      const job = await bench.add({ state: "submitting" });
      await bench.jobs.transition(OWNER, job.jobId, {
        from: "submitting",
        to: "unknown",
        patch: {},
        now: 1,
      });
      await bench.jobs.transition(OWNER, job.jobId, {
        from: "unknown",
        to: "running",
        patch: {},
        now: 2,
        holder: "third",
      });
      expect(await takeOver(["me"])).toEqual([]);
      expect((await takeOver(["third"])).map((one) => one.jobId)).toEqual([job.jobId]);
    });

    it.each(["running", "downloading"] as const)(
      "take up what is %s after it had ended, also where whoever had it lives and leaves it",
      async (to) => {
        const job = await bench.add({ state: "submitting" });
        const step = { patch: {}, now: 1 };
        const { jobs } = bench;
        await jobs.transition(OWNER, job.jobId, { from: "submitting", to: "unknown", ...step });
        await jobs.transition(OWNER, job.jobId, { from: "unknown", to, ...step });
        expect((await takeOver([])).map(({ jobId }) => jobId)).toEqual([job.jobId]);
      },
    );

    it("take up what had failed and is fetched again, and leave it to whoever does so", async () => {
      const mediaUrls = ["https://a.example/1.png"];
      const job = await bench.add({ state: "downloading", charge: "spent", mediaUrls });
      const step = { patch: {}, now: 1 };
      const { jobs } = bench;
      await jobs.transition(OWNER, job.jobId, { from: "downloading", to: "failed", ...step });
      const { jobs: third } = await bench.another();
      const again = { ...step, from: "failed", to: "downloading", holder: "third" } as const;
      expect(await third.transition(OWNER, job.jobId, again)).toMatchObject({
        ...{ state: "downloading", charge: "spent", mediaUrls },
      });
      expect(await jobs.transition(OWNER, job.jobId, again)).toBeUndefined();
      expect(await third.beat("third")).toEqual([job.jobId]);
      expect(await takeOver(["me"])).toEqual([]);
      const done = { from: "downloading", to: "completed", patch: {}, now: 2 } as const;
      expect(await third.transition(OWNER, job.jobId, done)).toMatchObject({ state: "completed" });
    });

    it("leave jobs of another base alone, unless all are asked for", async () => {
      await bench.add({ baseUrl: "http://127.0.0.1:1" });
      const ours = await bench.add();
      expect((await takeOver(["me"])).map((job) => job.jobId)).toEqual([ours.jobId]);
      const { jobs: third } = await bench.another();
      const takeMore = () => third.takeOver("third", ["me", "other"], undefined);
      let taken = 0;
      for (let some = await takeMore(); some.length > 0; some = await takeMore()) {
        taken += some.length;
      }
      expect(taken).toBe(2);
    });

    it("leave none of an operation that needs no base", async () => {
      const baseUrl = "http://127.0.0.1:1";
      const turn = await bench.add({ baseUrl, operation: "longcat_chat" });
      await bench.add({ baseUrl });
      const { jobs: other } = await bench.another();
      expect(await other.otherHolders("other", BASE, ["longcat_chat"])).toHaveLength(1);
      const taken = await other.takeOver("other", ["me"], BASE, ["longcat_chat"]);
      expect(taken.map((job) => job.jobId)).toEqual([turn.jobId]);
    });

    it("can give back some, and never what is being sent", async () => {
      const unsent = [await bench.add(), await bench.add()];
      const kept = await bench.add();
      const sent = await bench.add({ state: "submitting" });
      const running = await bench.add({ state: "running" });
      const downloading = await bench.add({ state: "downloading" });
      const left = [...unsent, sent, running, downloading].map(({ jobId }) => jobId);
      await bench.jobs.leave("another", left);
      expect(await takeOver([])).toEqual([]);
      await bench.jobs.leave("me", left);
      const taken = (await takeOver([])).map(({ jobId }) => jobId);
      const wanted = [...unsent, running, downloading].map(({ jobId }) => jobId);
      expect(taken.sort()).toEqual(wanted.sort());
      // Whoever has it now sends it, and whoever had it does not.
      const [first] = unsent;
      const step = { from: "queued", to: "submitting", patch: {}, now: 2 } as const;
      const { jobs: other } = await bench.another();
      const jobId = first?.jobId ?? "";
      const [one, two] = [
        await other.transition(OWNER, jobId, { ...step, holder: "other" }),
        await bench.jobs.transition(OWNER, jobId, { ...step, holder: "me" }),
      ];
      expect([one?.state, two]).toEqual(["submitting", undefined]);
      await bench.jobs.release("me");
      const rest = (await takeOver([])).map((one) => one.jobId);
      expect(rest.sort()).toEqual([sent.jobId, kept.jobId].sort());
    });

    it("can give their jobs back", async () => {
      await bench.add();
      await bench.jobs.release("me");
      expect(await takeOver([])).toHaveLength(1);
    });
  });

  describe("changes by others", () => {
    it("are told once, one's own never", async () => {
      const { jobs: other } = await bench.another();
      expect(await bench.jobs.changes()).toEqual([]);
      const mine = await bench.add();
      expect(await bench.jobs.changes()).toEqual([]);
      const changed = await other.patch(OWNER, mine.jobId, { upstreamStatus: "QUEUED" }, 9);
      expect(await bench.jobs.changes()).toEqual([changed]);
      expect(await bench.jobs.changes()).toEqual([]);
      await bench.jobs.patch(OWNER, mine.jobId, { upstreamStatus: "PROCESSING" }, 10);
      expect(await bench.jobs.changes()).toEqual([]);
      expect((await other.changes()).map((job) => job.upstreamStatus)).toContain("PROCESSING");
    });

    it("are told to the last, however many there are at once", async () => {
      await bench.jobs.changes();
      const { jobs: other, hurry } = await bench.another();
      hurry();
      const wanted: string[] = [];
      for (let n = 0; n < 1_100; n++) {
        const job = leftJob({ baseUrl: BASE });
        await recordJob(other, job, "other");
        wanted.push(job.jobId);
      }
      const heard: string[] = [];
      for (let looks = 0; looks < 5; looks++) {
        const changes = await bench.jobs.changes();
        expect(changes.length).toBeLessThanOrEqual(500);
        heard.push(...changes.map((job) => job.jobId));
      }
      expect(heard).toEqual(wanted);
    });
  });

  describe("completed orphans", () => {
    it("are completed jobs that nobody was there for, told once", async () => {
      await bench.add({ state: "completed" });
      await bench.add({ state: "completed", orphaned: true, deliveredAt: 1 });
      await bench.add({ state: "running", orphaned: true });
      await bench.add({ state: "failed", orphaned: true });
      await bench.add({ state: "completed", orphaned: true, owner: STRANGER });
      const job = await bench.add({ state: "completed", orphaned: true });
      expect(await bench.jobs.untoldOrphans(OWNER)).toEqual([summaryOf(job)]);
      await bench.jobs.noteMentioned(OWNER, [job.jobId], 5);
      expect(await (await bench.another()).jobs.untoldOrphans(OWNER)).toEqual([]);
    });

    it("are as many as one answer can name; the others come in the next", async () => {
      bench.hurry();
      for (let n = 0; n < 25; n++) await bench.add({ state: "completed", orphaned: true });
      const first = await bench.jobs.untoldOrphans(OWNER);
      expect(first).toHaveLength(20);
      await bench.jobs.noteMentioned(
        OWNER,
        first.map((job) => job.jobId),
        5,
      );
      expect(await bench.jobs.untoldOrphans(OWNER)).toHaveLength(5);
    });

    it("are a mention and no delivery, so that a cut call can still be repeated", async () => {
      const job = await bench.add({ state: "completed", orphaned: true, updatedAt: 1 });
      await bench.jobs.noteMentioned(OWNER, [job.jobId], 5);
      expect(await (await bench.another()).jobs.get(OWNER, job.jobId)).toEqual(job);
    });
  });
}
