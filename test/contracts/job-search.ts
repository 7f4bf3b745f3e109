import { describe, expect, it } from "vitest";
import { queryWords } from "../../src/core/search-words.ts";
import type { WholeJob } from "../../src/jobs/job.ts";
import type { JobQuery } from "../../src/jobs/job-store.ts";
import { leftJob, OWNER, recordJob } from "../support/rig.ts";
import { BASE, benchFor, STRANGER, type StoreKit } from "./kit.ts";
import { newTurn } from "./turns.ts";

const DAY_MS = 86_400_000;

function pictureNamed(name: string): WholeJob["media"][number] {
  return {
    index: 1,
    url: "https://a.example/secret-path/1.png",
    path: `/pictures/2026-11-20/${name}`,
    mimeType: "image/png",
    sizeBytes: 123,
    sha256: "ab",
    copies: [`/desktop/copied-${name}`],
  };
}

/** How jobs are found again. */
export function describeJobSearch(kit: StoreKit): void {
  const bench = benchFor(kit);

  const found = async (query: string, more: Partial<JobQuery> = {}) => {
    const words = queryWords(query);
    const { jobs } = await bench.jobs.list({ owner: OWNER, limit: 100, words, ...more });
    return jobs.map(({ jobId }) => jobId);
  };
  const asked = (prompt: string, change: Partial<WholeJob> = {}) =>
    bench.add({ input: { prompt }, ...change });

  describe("a search", () => {
    it("finds what has all words, in any order, the newest first", async () => {
      const first = await asked("A cabin in the snow");
      await asked("A cabin by the sea");
      await asked("Snow on the sea");
      const last = await asked("Snow falls on the Cabins");
      expect(await found("snow cabin")).toEqual([last.jobId, first.jobId]);
      expect(await found("cabin snow sea")).toEqual([]);
    });

    it("knows prompts, negative prompts, operations, and names of files given and made", async () => {
      const job = await bench.add({
        operation: "qwen_image_edit",
        input: {
          prompt: "Make it night",
          negative_prompt: "blurry",
          image_url: "/home/somebody/harbour.jpg",
          image_urls: [
            "https://a.example/path/light%20house.png?key=hidden",
            "data:image/png;base64,unread",
          ],
          size: "square_1_1",
        },
        media: [pictureNamed("ferry.png")],
      });
      for (const query of ["night", "blurry", "qwen image edit", "harbour jpg", "light house"]) {
        expect(await found(query), query).toEqual([job.jobId]);
      }
      expect(await found("ferry copied night edit")).toEqual([job.jobId]);
      for (const query of [
        "somebody",
        "pictures",
        "hidden",
        "unread",
        "square",
        "secret",
        "path",
      ]) {
        expect(await found(query), query).toEqual([]);
      }
    });

    it("knows the files that come later, and forgets names that are no more", async () => {
      const job = await asked("A cat");
      await bench.jobs.patch(OWNER, job.jobId, { media: [pictureNamed("ferry.png")] }, 1);
      expect(await found("cat ferry")).toEqual([job.jobId]);
      await bench.jobs.patch(OWNER, job.jobId, { media: [pictureNamed("steamer.png")] }, 1);
      expect(await found("cat steamer")).toEqual([job.jobId]);
      expect(await found("ferry")).toEqual([]);
      expect(await found("cat")).toEqual([job.jobId]);
    });

    it.each([
      ["猫", "屋根の上の黒い猫"],
      ["кошка", "Кошка на крыше"],
      ["cafe", "Das CAFÉ"],
      ["🦁", "A lion 🦁"],
    ])("in every script: %s", async (query, prompt) => {
      await asked("Something else");
      const job = await asked(prompt);
      expect(await found(query)).toEqual([job.jobId]);
    });

    it("sees what another process has just recorded", async () => {
      const { jobs } = await bench.another();
      await recordJob(jobs, leftJob({ baseUrl: BASE, input: { prompt: "A whale" } }), "another");
      expect(await found("whale")).toHaveLength(1);
    });

    it("is narrowed by state, operation and time, together", async () => {
      const change = { state: "failed", operation: "qwen_image_edit" } as const;
      const days: WholeJob[] = [];
      for (const day of [0, 1, 2, 3]) {
        days.push(await asked("A boat", { ...change, createdAt: day * DAY_MS }));
      }
      await asked("A boat", { ...change, createdAt: DAY_MS, state: "completed" });
      await asked("A boat", { ...change, createdAt: DAY_MS, operation: "qwen_image_generate" });
      const query = {
        states: ["failed"] as const,
        operation: "qwen_image_edit",
        span: { since: DAY_MS, before: 3 * DAY_MS },
      };
      expect(await found("boat", query)).toEqual([days[2]?.jobId, days[1]?.jobId]);
      expect(await found("cat", query)).toEqual([]);
    });

    it("is paged, each job once, while new ones arrive", async () => {
      const ids: string[] = [];
      for (let n = 0; n < 7; n++) {
        ids.unshift((await asked("A boat")).jobId);
        await asked("A cat");
      }
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const words = queryWords("boat");
        const page = await bench.jobs.list({ owner: OWNER, limit: 3, words, cursor });
        seen.push(...page.jobs.map((job) => job.jobId));
        cursor = page.nextCursor;
        await asked("A boat");
      } while (cursor !== undefined && seen.length < 100);
      expect(seen).toEqual(ids);
    });

    it("finds nothing of another owner", async () => {
      const own = await asked("A boat");
      const theirs = await asked("A boat", { owner: STRANGER });
      expect(await found("boat")).toEqual([own.jobId]);
      expect(await found("boat", { owner: STRANGER })).toEqual([theirs.jobId]);
      expect(await found("boat", { owner: "nobody" })).toEqual([]);
      expect(await found(`boat ${Buffer.from(STRANGER).toString("hex")}`)).toEqual([]);
    });

    it("knows all of a long task of the delegate, of which a job records the beginning", async () => {
      const turn = newTurn({ prompt: `Summarise this: ${"blah ".repeat(1_000)} lighthouse` });
      await bench.threads.begin(OWNER, turn);
      const { jobId, threadId } = turn;
      await asked("Summarise this: blah…", { jobId, threadId, operation: "longcat_chat" });
      expect(await found("lighthouse longcat")).toEqual([jobId]);
    });

    it("forgets what a job no longer keeps of its arguments", async () => {
      const job = await asked("A lighthouse", { operation: "qwen_image_generate" });
      await bench.jobs.patch(OWNER, job.jobId, { input: { image_size: "square" }, media: [] }, 1);
      expect(await found("lighthouse")).toEqual([]);
      expect(await found("qwen generate")).toEqual([job.jobId]);
    });

    it("forgets what is forgotten", async () => {
      const ended = { state: "completed", charge: "spent", createdAt: 1, updatedAt: 1 } as const;
      await asked("A boat", ended);
      const now = await asked("A boat", { createdAt: 90 * DAY_MS });
      await asked("A boat", { createdAt: 100 * DAY_MS });
      expect(await bench.jobs.forget(30, 100 * DAY_MS)).toBe(1);
      expect(await found("boat")).toContain(now.jobId);
      expect(await found("boat")).toHaveLength(2);
    });
  });

  describe("a list of a time", () => {
    it("has what was started then, from its first moment to the one before its end", async () => {
      const before = await bench.add({ createdAt: DAY_MS - 1 });
      const first = await bench.add({ createdAt: DAY_MS });
      const last = await bench.add({ createdAt: 2 * DAY_MS - 1 });
      const after = await bench.add({ createdAt: 2 * DAY_MS });
      const ids = async (span: JobQuery["span"]) =>
        (await bench.jobs.list({ owner: OWNER, limit: 10, span })).jobs.map(({ jobId }) => jobId);
      expect(await ids({ since: DAY_MS, before: 2 * DAY_MS })).toEqual([last.jobId, first.jobId]);
      expect(await ids({ since: 2 * DAY_MS })).toEqual([after.jobId]);
      expect(await ids({ before: DAY_MS })).toEqual([before.jobId]);
      expect(await ids({ since: 5 * DAY_MS })).toEqual([]);
    });

    it("has it also when the clock has gone back in between", async () => {
      const late = await bench.add({ createdAt: 5 * DAY_MS });
      const early = await bench.add({ createdAt: DAY_MS });
      const again = await bench.add({ createdAt: 5 * DAY_MS });
      const { jobs } = await bench.jobs.list({
        owner: OWNER,
        limit: 10,
        span: { since: 4 * DAY_MS },
      });
      expect(jobs.map(({ jobId }) => jobId)).toEqual([again.jobId, late.jobId]);
      expect(jobs.map(({ jobId }) => jobId)).not.toContain(early.jobId);
    });
  });
}
