import { describe, expect, it } from "vitest";
import { OWNER } from "../support/rig.ts";
import { benchFor, type StoreKit } from "./kit.ts";
import { processesFor } from "./processes.ts";
import type { Race } from "./racer.ts";
import { answered, newTurn } from "./turns.ts";

/** What must hold where several processes want the same thread at once. */
export function describeThreadRaces(kit: StoreKit): void {
  const bench = benchFor(kit);
  const race = processesFor(kit);
  const threads = (method: string, calls: Race["calls"]): Race => ({
    ...{ store: "threads", method, calls },
  });

  describe("two processes", () => {
    it("begin one turn of 64 in a thread, and tell all others which", async () => {
      const { turn } = await answered(bench);
      const begins = () =>
        Array.from({ length: 32 }, () => [OWNER, newTurn({ threadId: turn.threadId })]);
      const outcomes = await race(
        bench.place,
        threads("begin", begins()),
        threads("begin", begins()),
      );
      const begun = (await bench.threads.turns(OWNER, turn.threadId)).at(-1);
      const answers = outcomes.flat();
      expect(answers).toHaveLength(64);
      expect(answers.filter((one) => isBusyWith(one, undefined))).toHaveLength(1);
      expect(answers.filter((one) => isBusyWith(one, begun?.jobId))).toHaveLength(63);
      expect(await bench.threads.turns(OWNER, turn.threadId)).toHaveLength(2);
    });

    it("begin a turn in a thread or delete it: never half of each", async () => {
      const olds = [];
      for (let n = 0; n < 10; n++) olds.push((await answered(bench)).turn);
      const newer = olds.map(({ threadId }) => newTurn({ threadId }));
      await race(
        bench.place,
        threads(
          "begin",
          newer.map((turn) => [OWNER, turn]),
        ),
        threads(
          "delete",
          olds.map(({ threadId }) => [OWNER, threadId, 1]),
        ),
      );
      for (const [n, { threadId, jobId }] of olds.entries()) {
        const left = (await bench.threads.turns(OWNER, threadId)).map((one) => one.jobId);
        // Deleted before the new turn came, or kept by it.
        expect([[newer[n]?.jobId], [jobId, newer[n]?.jobId]]).toContainEqual(left);
        expect(await bench.threads.thread(OWNER, threadId)).toMatchObject({ turns: left.length });
      }
    });
  });
}

function isBusyWith(outcome: object, jobId: string | undefined): boolean {
  const value = "value" in outcome ? outcome.value : undefined;
  return (
    typeof value === "object" && value !== null && "busyWith" in value && value.busyWith === jobId
  );
}
