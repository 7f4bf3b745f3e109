import { describe, expect, it } from "vitest";
import { LEFT_BEHIND_MS, type TurnOutcome } from "../../src/chat/thread.ts";
import { OWNER } from "../support/rig.ts";
import { benchFor, STRANGER, type StoreKit } from "./kit.ts";
import { answered, fileOf, newTurn, textOf } from "./turns.ts";

/** What is kept of conversations. */
export function describeThreadRecords(kit: StoreKit): void {
  const bench = benchFor(kit);

  describe("a turn", () => {
    it("comes back as it was, also in another process", async () => {
      const { turn, file } = await answered(bench);
      const { jobId, threadId, request } = turn;
      for (const { threads } of [bench, await bench.another()]) {
        expect(await threads.turn(OWNER, jobId)).toEqual({
          ...{ seq: expect.any(Number), jobId, threadId, request, createdAt: 1 },
          ...{ outcome: { finishReason: "stop" }, isOpen: false },
        });
        expect(await threads.said(OWNER, jobId)).toEqual({ answer: "Because.", reasoning: "Hm" });
        expect(await threads.files(OWNER, threadId)).toEqual([file]);
        expect(await textOf(threads.content(OWNER, file).pieces())).toBe("abcdef");
        expect(await threads.thread(OWNER, threadId)).toEqual({
          ...{ threadId, title: "Why?", createdAt: 1, updatedAt: 2, turns: 1, files: 1 },
        });
      }
    });

    it("has the last of its parts as it was kept last", async () => {
      const turn = newTurn();
      const { threads } = bench;
      await threads.begin(OWNER, turn);
      await threads.append(OWNER, turn.jobId, 0, { answer: "Be", reasoning: "Hm" });
      await threads.append(OWNER, turn.jobId, 1, { answer: "cause.", reasoning: "" });
      await threads.append(OWNER, turn.jobId, 1, { answer: "cause it is.", reasoning: "m" });
      expect(await threads.said(OWNER, turn.jobId)).toEqual({
        ...{ answer: "Because it is.", reasoning: "Hmm" },
      });
    });

    it("keeps all that it can be asked with", async () => {
      const request = {
        ...{ prompt: "🐋\u0000'\"", system: "Be kind", model: "m", format: "anthropic" as const },
        ...{ maxTokens: 5, temperature: 0.5, topP: 1, thinking: false, leftOut: [1, 2] },
      };
      const turn = newTurn({ request });
      await bench.threads.begin(OWNER, turn);
      expect((await bench.threads.turn(OWNER, turn.jobId))?.request).toEqual(request);
    });

    it("keeps its thread busy until it is finished or its job has ended", async () => {
      const first = newTurn({ now: 1_000 });
      const next = newTurn({ threadId: first.threadId, now: 1_001 });
      const { threads } = bench;
      expect(await threads.begin(OWNER, first)).toEqual({ busyWith: undefined });
      await bench.add({ jobId: first.jobId, threadId: first.threadId, state: "running" });
      const later = { ...next, now: 9e12 };
      expect(await threads.begin(OWNER, later)).toEqual({ busyWith: first.jobId });
      expect(await threads.busyWith(OWNER, first.threadId, 9e12)).toBe(first.jobId);
      expect(await threads.busyWith(STRANGER, first.threadId, 9e12)).toBeUndefined();
      expect(await threads.delete(OWNER, first.threadId, 9e12)).toEqual({ busyWith: first.jobId });
      await bench.jobs.transition(OWNER, first.jobId, {
        ...{ from: "running", to: "failed", patch: {}, now: 2 },
      });
      expect(await threads.begin(OWNER, later)).toEqual({ busyWith: undefined });
    });

    it("that was never recorded keeps it busy for a moment only", async () => {
      const first = newTurn({ now: 1_000 });
      const { threads } = bench;
      await threads.begin(OWNER, first);
      const next = (now: number) => newTurn({ threadId: first.threadId, now });
      expect(await threads.begin(OWNER, next(2_000))).toEqual({ busyWith: first.jobId });
      expect(await threads.busyWith(OWNER, first.threadId, 600_000)).toBeUndefined();
      expect(await threads.begin(OWNER, next(600_000))).toEqual({ busyWith: undefined });
    });

    it("can be taken back, with its thread if it was the first", async () => {
      const { turn, file } = await answered(bench);
      const second = newTurn({ threadId: turn.threadId, now: 5 });
      const { threads } = bench;
      await threads.begin(OWNER, second);
      await threads.takeBack(OWNER, second.jobId);
      expect((await threads.turns(OWNER, turn.threadId)).map(({ jobId }) => jobId)).toEqual([
        turn.jobId,
      ]);
      await threads.takeBack(OWNER, turn.jobId);
      expect(await threads.thread(OWNER, turn.threadId)).toBeUndefined();
      expect(await threads.said(OWNER, turn.jobId)).toEqual({ answer: "", reasoning: "" });
      expect(await textOf(threads.content(OWNER, file).pieces())).toBe("");
    });
  });

  describe("what is attached", () => {
    it("is the thread's once its turn is there, in the order of turns and positions", async () => {
      const { turn } = await answered(bench);
      const next = newTurn({ threadId: turn.threadId });
      const files = [1, 0].map((position) => fileOf(next, { position, name: `${position}.txt` }));
      const { threads } = bench;
      await threads.attach(OWNER, turn.threadId, [], files, 1);
      const names = async () => (await threads.files(OWNER, turn.threadId)).map(({ name }) => name);
      expect(await names()).toEqual(["a.txt"]);
      await threads.begin(OWNER, next);
      expect(await names()).toEqual(["a.txt", "0.txt", "1.txt"]);
    });

    it("can be let go piece by piece, and is swept where no turn came", async () => {
      const turn = newTurn();
      const file = fileOf(turn);
      const piece = { jobId: turn.jobId, part: 0, content: Buffer.from("abc") };
      const { threads } = bench;
      const pieces = [0, 1].map((position) => ({ ...piece, position }));
      await threads.attach(OWNER, turn.threadId, pieces, [file], 1_000);
      const text = (position: number) =>
        textOf(threads.content(OWNER, { ...file, position }).pieces());
      await threads.detach(OWNER, turn.jobId, 1);
      expect([await text(0), await text(1)]).toEqual(["abc", ""]);
      await threads.sweep(1_000 + LEFT_BEHIND_MS);
      expect(await text(0)).toBe("abc");
      await threads.sweep(1_001 + LEFT_BEHIND_MS);
      expect(await text(0)).toBe("");
    });
  });

  describe("threads", () => {
    it("are listed by their newest turn, page by page, each once, while new ones come", async () => {
      const ids: string[] = [];
      for (let n = 0; n < 5; n++) ids.unshift((await answered(bench)).turn.threadId);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await bench.threads.list(OWNER, 2, cursor);
        seen.push(...page.threads.map(({ threadId }) => threadId));
        cursor = page.nextCursor;
        await answered(bench);
      } while (cursor !== undefined && seen.length < 100);
      expect(seen).toEqual(ids);
    });

    it.each(["", "7", "before-", "before-x"])("refuse %j as a cursor", async (cursor) => {
      await expect(bench.threads.list(OWNER, 1, cursor)).rejects.toMatchObject({
        code: "invalid_input",
      });
    });

    it("show pages of the newest turns, with the beginnings of their texts", async () => {
      const { turn } = await answered(bench, { prompt: "Long question" });
      for (const prompt of ["Second", "Third"]) {
        await answered(bench, { prompt, threadId: turn.threadId });
      }
      const wishes = { before: undefined, limit: 2, characters: 4 };
      const page = await bench.threads.page(OWNER, turn.threadId, wishes);
      expect(page.hasEarlier).toBe(true);
      expect(page.turns).toMatchObject([{ prompt: "Seco" }, { prompt: "Thir" }]);
      const before = page.turns[0]?.seq;
      const earlier = await bench.threads.page(OWNER, turn.threadId, { ...wishes, before });
      expect(earlier).toMatchObject({
        hasEarlier: false,
        turns: [
          {
            ...{ jobId: turn.jobId, prompt: "Long", answerCharacters: 8 },
            ...{ reasoningCharacters: 2, files: ["a.txt"], fileCount: 1, brokeOff: false },
            answer: expect.stringMatching(/^Beca/),
          },
        ],
      });
    });

    it("are deleted with all that is in them, and from their jobs what was said", async () => {
      const { turn, file } = await answered(bench);
      const other = await answered(bench);
      const { threads, jobs } = bench;
      expect(await threads.delete(OWNER, turn.threadId, 9)).toEqual({ keptFiles: [] });
      expect(await threads.thread(OWNER, turn.threadId)).toBeUndefined();
      expect(await threads.turn(OWNER, turn.jobId)).toBeUndefined();
      expect(await threads.said(OWNER, turn.jobId)).toEqual({ answer: "", reasoning: "" });
      expect(await textOf(threads.content(OWNER, file).pieces())).toBe("");
      const job = await jobs.get(OWNER, turn.jobId);
      expect(JSON.stringify(job)).not.toContain("Why?");
      expect(job).toMatchObject({ state: "completed", threadId: turn.threadId });
      expect(await threads.said(OWNER, other.turn.jobId)).toMatchObject({ answer: "Because." });
    });

    it("end turns whose job has ended while nobody was there", async () => {
      const turn = newTurn();
      await bench.threads.begin(OWNER, turn);
      await bench.add({ jobId: turn.jobId, state: "failed" });
      await bench.threads.sweep(2);
      expect((await bench.threads.turn(OWNER, turn.jobId))?.isOpen).toBe(false);
    });
  });

  describe("what turns have used", () => {
    const turnOf = async (model: string, now: number, used: Partial<TurnOutcome>) => {
      const turn = newTurn({ now, request: { prompt: "?", model, format: "openai" } });
      await bench.threads.begin(OWNER, turn);
      await bench.add({ jobId: turn.jobId, threadId: turn.threadId, state: "completed" });
      await bench.threads.finish(OWNER, turn.jobId, used, now + 1);
      return turn;
    };

    it("is summed by model, of one owner and one time, and stays when a thread goes", async () => {
      const { threads } = bench;
      const first = await turnOf("m", 10, { inputTokens: 100, outputTokens: 7 });
      await turnOf("m", 20, { inputTokens: 1 });
      await turnOf("big", 20, { outputTokens: 5 });
      await turnOf("m", 20, { finishReason: "stop" });
      await threads.delete(OWNER, first.threadId, 30);
      const m = { model: "m", tokensIn: 101, tokensOut: 7 };
      const big = { model: "big", tokensIn: 0, tokensOut: 5 };
      expect(await threads.usage(OWNER, {})).toEqual([big, m]);
      expect(await threads.usage(OWNER, { before: 20 })).toEqual([{ ...m, tokensIn: 100 }]);
      expect(await threads.usage(OWNER, { since: 11, before: 21 })).toEqual([
        big,
        { ...m, tokensIn: 1, tokensOut: 0 },
      ]);
      expect(await threads.usage(OWNER, { since: 21 })).toEqual([]);
      expect(await threads.usage(STRANGER, {})).toEqual([]);
    });

    it("is counted once, as it was told at the end, and only for the owner of the turn", async () => {
      const { threads } = bench;
      const { jobId } = await turnOf("m", 10, { inputTokens: 100, outputTokens: 7 });
      await threads.finish(OWNER, jobId, { inputTokens: 90, outputTokens: 8 }, 12);
      await threads.finish(STRANGER, jobId, { inputTokens: 9_000 }, 13);
      const told = [{ model: "m", tokensIn: 100, tokensOut: 7 }];
      expect(await threads.usage(OWNER, {})).toEqual(told);
      expect(await threads.usage(STRANGER, {})).toEqual([]);
    });
  });
}
