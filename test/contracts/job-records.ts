import { describe, expect, it } from "vitest";
import { type Medium, UNFINISHED_STATES, type WholeJob } from "../../src/jobs/job.ts";
import { OWNER, recordJob, summaryOf } from "../support/rig.ts";
import { benchFor, STRANGER, type StoreKit } from "./kit.ts";

/** What is kept of jobs, how it changes and is listed. */
export function describeJobRecords(kit: StoreKit): void {
  const bench = benchFor(kit);

  describe("ended jobs", () => {
    it("are read page by page with all that they have, whoever's, the oldest first; turns are not", async () => {
      const ended = [
        await bench.add({ state: "completed", charge: "spent" }),
        await bench.add({ state: "failed", charge: "none", owner: STRANGER }),
        await bench.add({ state: "unknown", charge: "uncertain" }),
      ];
      await bench.add({ state: "completed", threadId: "thread_1", operation: "longcat_chat" });
      for (const state of UNFINISHED_STATES) await bench.add({ state });
      const first = await bench.jobs.ended(0, 2);
      expect(first.jobs).toEqual(ended.slice(0, 2));
      const second = await bench.jobs.ended(first.last ?? 0, 2);
      expect(second.jobs).toEqual(ended.slice(2));
      expect(await bench.jobs.ended(second.last ?? 0, 2)).toEqual({ jobs: [], last: undefined });
    });
  });

  describe("what is stored", () => {
    it("comes back as it was, every field of it, also through another connection", async () => {
      const job = await bench.add({
        input: { prompt: "Ein Löwe 🦁\u0000'\"", nested: { list: [1, null, true] } },
        wire: { prompt: "x", image_urls: ["https://a.example/1.png"] },
        saveTo: "~/cats",
        state: "downloading",
        charge: "reserved",
        requestId: "longcat-image-498_019d",
        upstreamStatus: "COMPLETED",
        createdAt: 1_700_000_000_001,
        updatedAt: 1_700_000_000_002,
        acceptedAt: 1_700_000_000_003,
        completedAt: 1_700_000_000_004,
        costUsd: 0.13,
        error: { code: "rate_limited", message: "Slow down" },
        mediaUrls: ["https://a.example/1.png", "https://a.example/2.png"],
        media: [
          {
            index: 1,
            url: "https://a.example/1.png",
            path: "/pictures/1.png",
            mimeType: "image/png",
            width: 1024,
            height: 768,
            sizeBytes: 123,
            sha256: "ab",
            copies: ["/copy/1.png"],
          },
          {
            index: 2,
            url: "https://a.example/2.bin",
            path: "/pictures/2.bin",
            mimeType: "application/octet-stream",
            sizeBytes: 9_007_199_254_740_991,
            sha256: "cd",
            copies: [],
          },
        ],
        warnings: ["One", "Two"],
        warningsTold: 1,
        deliveredAt: 1_700_000_000_005,
        fingerprint: "fp",
        idempotencyKey: "key",
        reservedUsd: 0.26,
        orphaned: true,
      });
      expect(await bench.jobs.get(OWNER, job.jobId)).toEqual(job);
      expect(await (await bench.another()).jobs.get(OWNER, job.jobId)).toEqual(job);
    });

    it("comes back empty where it is", async () => {
      const job = await bench.add({ wire: null, error: null });
      expect(await bench.jobs.get(OWNER, job.jobId)).toEqual(job);
    });

    it("belongs to its owner alone", async () => {
      const job = await bench.add({ requestId: "longcat-image-498_019d" });
      expect(await bench.jobs.get(STRANGER, job.jobId)).toBeUndefined();
      expect(await bench.jobs.findByRequestId(STRANGER, "longcat-image-498_019d")).toBeUndefined();
      expect((await bench.jobs.list({ owner: STRANGER, limit: 10 })).jobs).toEqual([]);
      expect(await bench.jobs.findByRequestId(OWNER, "longcat-image-498_019d")).toEqual(
        summaryOf(job),
      );
      expect(await bench.jobs.findByRequestId(OWNER, "longcat-image-498_other")).toBeUndefined();
    });

    it("is never recorded twice under one id", async () => {
      const job = await bench.add();
      await expect(recordJob(bench.jobs, job, "me")).rejects.toMatchObject({ code: "storage" });
    });
  });

  describe("changes", () => {
    it("touch what they name and nothing else", async () => {
      const job = await bench.add({
        warnings: ["stays"],
        error: { code: "internal", message: "goes" },
      });
      const patched = await bench.jobs.patch(
        OWNER,
        job.jobId,
        { upstreamStatus: "QUEUED", error: null },
        7,
      );
      const expected = { ...job, upstreamStatus: "QUEUED", error: null, updatedAt: 7 };
      expect(patched).toEqual(summaryOf(expected));
      expect(await bench.jobs.get(OWNER, job.jobId)).toEqual(expected);
    });

    it("of a job that does not exist are an error", async () => {
      await expect(
        bench.jobs.patch(OWNER, "job_none", { charge: "none" }, 1),
      ).rejects.toMatchObject({
        code: "not_found",
      });
    });

    it("are made only while the job is where it was thought to be, if that is wanted", async () => {
      const job = await bench.add();
      const error = { code: "cancelled", message: "Stop." } as const;
      const noted = await bench.jobs.patchWhile(job, { error }, 7);
      expect(noted).toEqual(summaryOf({ ...job, error, updatedAt: 7 }));
      for (const wrong of [{ state: "downloading" as const }, { owner: STRANGER }]) {
        const missed = await bench.jobs.patchWhile({ ...job, ...wrong }, { error: null }, 8);
        expect(missed).toBeUndefined();
      }
      expect(await bench.jobs.get(OWNER, job.jobId)).toEqual({ ...job, error, updatedAt: 7 });
    });

    it("of the state are won by one of two that try", async () => {
      const { jobs: other } = await bench.another();
      const job = await bench.add();
      const moves = await Promise.all([
        bench.jobs.transition(OWNER, job.jobId, {
          from: "queued",
          to: "submitting",
          patch: {},
          now: 2,
        }),
        other.transition(OWNER, job.jobId, {
          from: "queued",
          to: "cancelled",
          patch: { charge: "none" },
          now: 3,
        }),
      ]);
      expect(moves.filter((move) => move !== undefined)).toHaveLength(1);
      expect(await other.get(OWNER, job.jobId)).toMatchObject(moves.find((move) => move) ?? {});
    });
  });

  describe("files", () => {
    const file = (index: number): Medium => ({
      index,
      url: "",
      path: `/pictures/${index}.png`,
      mimeType: "image/png",
      sizeBytes: 1,
      sha256: "ab",
      copies: [],
    });

    it("are amended as they are, whatever whoever amends them has seen before", async () => {
      const job = await bench.add({ media: [file(1)] });
      const { jobs: other } = await bench.another();
      await other.amendMedia(OWNER, job.jobId, (media) => [...media, file(2)], 5);
      const amended = await bench.jobs.amendMedia(OWNER, job.jobId, (all) => [...all, file(3)], 6);
      expect(amended).toEqual(
        summaryOf({ ...job, media: [file(1), file(2), file(3)], updatedAt: 6 }),
      );
      expect((await other.get(OWNER, job.jobId))?.media).toEqual(amended.media);
    });

    it("that are left alone change nothing of the job", async () => {
      const job = await bench.add({ media: [file(1)] });
      expect(await bench.jobs.amendMedia(OWNER, job.jobId, (media) => media, 5)).toEqual(
        summaryOf(job),
      );
    });

    it("belong to the owner", async () => {
      const job = await bench.add({ media: [file(1)] });
      const none = () => [];
      await expect(bench.jobs.amendMedia(STRANGER, job.jobId, none, 5)).rejects.toMatchObject({
        code: "not_found",
      });
      expect(await bench.jobs.get(OWNER, job.jobId)).toEqual(job);
    });
  });

  describe("durations", () => {
    const done = (createdAt: number, ms: number): Partial<WholeJob> => ({
      state: "completed",
      fingerprint: `print ${createdAt}`,
      createdAt,
      completedAt: createdAt + ms,
    });
    const tool = "longcat_image_generate";

    it("are those of the newest jobs of an operation, the newest first", async () => {
      for (const [at, ms] of [
        [1_000, 10],
        [2_000, 30],
        [3_000, 20],
      ] as const) {
        await bench.add(done(at, ms));
      }
      await bench.add({ ...done(4_000, 99), operation: "qwen_image_edit" });
      expect(await bench.jobs.durations(OWNER, tool, 10)).toEqual([20, 30, 10]);
      expect(await bench.jobs.durations(OWNER, tool, 2)).toEqual([20, 30]);
      expect(await bench.jobs.durations(OWNER, "qwen_image_layered", 10)).toEqual([]);
    });

    it("are not those of others, of what did not complete or was started elsewhere", async () => {
      await bench.add({ ...done(1_000, 10), owner: STRANGER });
      await bench.add({ ...done(2_000, 20), state: "failed" });
      await bench.add({ ...done(3_000, 30), fingerprint: null });
      await bench.add({ ...done(4_000, 40), state: "running", completedAt: null });
      expect(await bench.jobs.durations(OWNER, tool, 10)).toEqual([]);
      expect(await bench.jobs.durations(STRANGER, tool, 10)).toEqual([10]);
    });
  });

  describe("lists", () => {
    it("show the newest first, page by page, each job once, while new ones arrive", async () => {
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) ids.unshift((await bench.add({ createdAt: 1 })).jobId);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await bench.jobs.list({ owner: OWNER, limit: 3, cursor });
        seen.push(...page.jobs.map((job) => job.jobId));
        cursor = page.nextCursor;
        await bench.add();
      } while (cursor !== undefined && seen.length < 100);
      expect(seen).toEqual(ids);
    });

    it("have no next page when the last one is exactly full", async () => {
      for (let i = 0; i < 4; i++) await bench.add();
      const first = await bench.jobs.list({ owner: OWNER, limit: 2 });
      const second = await bench.jobs.list({ owner: OWNER, limit: 2, cursor: first.nextCursor });
      expect(first.nextCursor).toBeDefined();
      expect(second.jobs).toHaveLength(2);
      expect(second.nextCursor).toBeUndefined();
    });

    it("can be narrowed to states and an operation, across pages", async () => {
      const wanted = [
        await bench.add({ state: "failed" }),
        await bench.add({ state: "completed" }),
      ];
      await bench.add({ state: "running" });
      await bench.add({ state: "failed", operation: "qwen_image_edit" });
      const query = {
        owner: OWNER,
        states: ["failed", "completed"] as const,
        operation: "longcat_image_generate",
      };
      const all = await bench.jobs.list({ ...query, limit: 10 });
      expect(all.jobs.map((job) => job.jobId)).toEqual(wanted.map((job) => job.jobId).reverse());
      const first = await bench.jobs.list({ ...query, limit: 1 });
      const second = await bench.jobs.list({ ...query, limit: 1, cursor: first.nextCursor });
      expect([...first.jobs, ...second.jobs]).toEqual(all.jobs);
    });

    it.each(["", "7", "before-", "before-x", "before-1;DROP TABLE jobs", "before--1"])(
      "refuse %j as a cursor",
      async (cursor) => {
        await expect(bench.jobs.list({ owner: OWNER, limit: 1, cursor })).rejects.toMatchObject({
          code: "invalid_input",
        });
      },
    );
  });
}
