import { describe, expect, it } from "vitest";
import { OWNER } from "../support/rig.ts";
import { BASE, benchFor, type StoreKit } from "./kit.ts";
import { newTurn } from "./turns.ts";

const CHAT = "longcat_chat";

/** What whoever was frozen may do to a turn whose job another process has taken over. */
export function describeThreadTakeovers(kit: StoreKit): void {
  const bench = benchFor(kit);

  /** A turn that is being answered by `me`, and the stores of another that has taken its job over. */
  async function takenOver() {
    const turn = newTurn();
    const { jobId, threadId } = turn;
    await bench.threads.begin(OWNER, turn);
    await bench.add({ jobId, threadId, operation: CHAT, state: "running" });
    await bench.threads.append(OWNER, jobId, 0, { answer: "Be", reasoning: "" });
    const other = await bench.another({ holder: "other" });
    expect(await other.jobs.takeOver("other", ["me"], BASE, [CHAT])).toHaveLength(1);
    return { other, jobId, threadId };
  }
  /** What who has slept would still do with it. */
  async function wakeUp(jobId: string) {
    const { threads } = bench;
    await threads.append(OWNER, jobId, 1, { answer: "lated", reasoning: "" });
    await threads.append(OWNER, jobId, 0, { answer: "Over", reasoning: "" });
    await threads.finish(OWNER, jobId, { finishReason: "stop", outputTokens: 9 }, 9);
  }

  describe("a turn whose job another process has taken over", () => {
    it("is neither added to nor ended by whoever had it, and goes on", async () => {
      const { other, jobId, threadId } = await takenOver();
      await wakeUp(jobId);
      expect(await other.threads.said(OWNER, jobId)).toEqual({ answer: "Be", reasoning: "" });
      expect(await other.threads.turn(OWNER, jobId)).toMatchObject({ isOpen: true });
      expect(await other.threads.thread(OWNER, threadId)).toMatchObject({ updatedAt: 1 });
      expect(await other.threads.usage(OWNER, {})).toEqual([]);
      await other.threads.append(OWNER, jobId, 1, { answer: "cause.", reasoning: "" });
      await other.threads.finish(OWNER, jobId, { finishReason: "stop" }, 10);
      const said = { answer: "Because.", reasoning: "" };
      expect(await bench.threads.said(OWNER, jobId)).toEqual(said);
      expect(await bench.threads.turn(OWNER, jobId)).toMatchObject({
        ...{ isOpen: false, outcome: { finishReason: "stop" } },
      });
    });

    it("stays as that has ended it, with its job", async () => {
      const { other, jobId } = await takenOver();
      await other.threads.finish(OWNER, jobId, { brokeOff: "It was gone." }, 8);
      const step = { patch: {}, now: 8, holder: "other" };
      await other.jobs.transition(OWNER, jobId, { from: "running", to: "downloading", ...step });
      await other.jobs.transition(OWNER, jobId, { from: "downloading", to: "completed", ...step });
      await wakeUp(jobId);
      expect(await bench.threads.said(OWNER, jobId)).toEqual({ answer: "Be", reasoning: "" });
      expect(await bench.threads.turn(OWNER, jobId)).toMatchObject({
        ...{ isOpen: false, outcome: { brokeOff: "It was gone." } },
      });
      expect(await bench.threads.usage(OWNER, {})).toEqual([]);
    });
  });

  describe("a turn that has ended", () => {
    it("stays as it is, whoever adds to it or ends it once more", async () => {
      const turn = newTurn();
      const { jobId } = turn;
      const { threads } = bench;
      await threads.begin(OWNER, turn);
      await threads.append(OWNER, jobId, 0, { answer: "Be", reasoning: "" });
      await threads.finish(OWNER, jobId, { finishReason: "length" }, 8);
      await wakeUp(jobId);
      expect(await threads.said(OWNER, jobId)).toEqual({ answer: "Be", reasoning: "" });
      expect(await threads.turn(OWNER, jobId)).toMatchObject({
        ...{ isOpen: false, outcome: { finishReason: "length" } },
      });
    });
  });
}
