import { describe, expect, it } from "vitest";
import { queryWords } from "../../src/core/search-words.ts";
import { OWNER } from "../support/rig.ts";
import { benchFor, STRANGER, type StoreKit } from "./kit.ts";
import { answered, fileOf, newTurn } from "./turns.ts";

/** How conversations are found again. */
export function describeThreadSearch(kit: StoreKit): void {
  const bench = benchFor(kit);

  const found = async (query: string, owner = OWNER) => {
    const { threads } = await bench.threads.list(owner, 10, undefined, queryWords(query));
    return threads.map(({ threadId }) => threadId);
  };

  describe("a search for threads", () => {
    it("finds those with all words in any of their turns, the newest first", async () => {
      const { turn: first } = await answered(bench, { prompt: "Summarise the whale minutes" });
      const { turn: other } = await answered(bench, { prompt: "Translate the whale minutes" });
      await answered(bench, { prompt: "And the lighthouse?", threadId: first.threadId });
      expect(await found("whale")).toEqual([first.threadId, other.threadId]);
      expect(await found("LIGHTHOUSE whale")).toEqual([first.threadId]);
      expect(await found("lighthouse translate")).toEqual([]);
    });

    it("knows the names of attached files", async () => {
      const turn = newTurn({ prompt: "Summarise this" });
      await bench.threads.attach(
        OWNER,
        turn.threadId,
        [],
        [fileOf(turn, { name: "notes/minutes.md" })],
        1,
      );
      await bench.threads.begin(OWNER, turn);
      expect(await found("minutes")).toEqual([turn.threadId]);
    });

    it("is paged", async () => {
      const turns = [];
      for (let n = 0; n < 5; n++) turns.unshift((await answered(bench, { prompt: "Whales" })).turn);
      await answered(bench, { prompt: "Sharks" });
      const words = queryWords("whales");
      const first = await bench.threads.list(OWNER, 3, undefined, words);
      const second = await bench.threads.list(OWNER, 3, first.nextCursor, words);
      expect([...first.threads, ...second.threads].map(({ threadId }) => threadId)).toEqual(
        turns.map(({ threadId }) => threadId),
      );
      expect(second.nextCursor).toBeUndefined();
    });

    it("finds nothing of another owner, of what was taken back or deleted", async () => {
      const { turn: gone } = await answered(bench, { prompt: "Whales" });
      const taken = newTurn({ prompt: "Whales" });
      await bench.threads.begin(OWNER, taken);
      expect(await found("whales", STRANGER)).toEqual([]);
      await bench.threads.takeBack(OWNER, taken.jobId);
      expect(await found("whales")).toEqual([gone.threadId]);
      await bench.threads.delete(OWNER, gone.threadId, 9);
      expect(await found("whales")).toEqual([]);
      const words = queryWords("whales");
      expect((await bench.jobs.list({ owner: OWNER, limit: 5, words })).jobs).toEqual([]);
    });
  });
}
