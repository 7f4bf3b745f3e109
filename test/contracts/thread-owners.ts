import { describe, expect, it } from "vitest";
import { OWNER } from "../support/rig.ts";
import { benchFor, STRANGER, type StoreKit } from "./kit.ts";
import { answered, fileOf, newTurn, textOf } from "./turns.ts";

/** That to everybody but its owner a thread does not exist. */
export function describeThreadOwners(kit: StoreKit): void {
  const bench = benchFor(kit);

  /** All that there is of a thread. */
  const all = async (owner: string, { turn, file }: Awaited<ReturnType<typeof answered>>) => {
    const { threads } = bench;
    const wishes = { before: undefined, limit: 5, characters: 100 };
    return {
      turn: await threads.turn(owner, turn.jobId),
      turns: await threads.turns(owner, turn.threadId),
      page: await threads.page(owner, turn.threadId, wishes),
      said: await threads.said(owner, turn.jobId),
      files: await threads.files(owner, turn.threadId),
      text: await textOf(threads.content(owner, file).pieces()),
      thread: await threads.thread(owner, turn.threadId),
      list: await threads.list(owner, 5, undefined),
    };
  };
  const nothing = {
    turn: undefined,
    turns: [],
    page: { turns: [], hasEarlier: false },
    said: { answer: "", reasoning: "" },
    files: [],
    text: "",
    thread: undefined,
    list: { threads: [], nextCursor: undefined },
  };

  describe("somebody who knows the ids of another's thread", () => {
    it("reads nothing by them", async () => {
      const theirs = await answered(bench);
      expect(await all(STRANGER, theirs)).toEqual(nothing);
    });

    it("changes nothing by them", async () => {
      const theirs = await answered(bench);
      const { turn } = theirs;
      const before = await all(OWNER, theirs);
      const job = await bench.jobs.get(OWNER, turn.jobId);
      const { threads } = bench;
      const own = newTurn({ threadId: turn.threadId });
      const refused = { code: "not_found" };
      await expect(threads.begin(STRANGER, own)).rejects.toMatchObject(refused);
      await expect(
        threads.attach(STRANGER, turn.threadId, [], [fileOf(own)], 1),
      ).rejects.toMatchObject(refused);
      await threads.append(STRANGER, turn.jobId, 7, { answer: "No", reasoning: "No" });
      await threads.finish(STRANGER, turn.jobId, undefined, 9);
      await threads.detach(STRANGER, turn.jobId, 0);
      await threads.takeBack(STRANGER, turn.jobId);
      expect(await threads.delete(STRANGER, turn.threadId, 9)).toEqual({ keptFiles: [] });
      expect(await all(OWNER, theirs)).toEqual(before);
      expect(await bench.jobs.get(OWNER, turn.jobId)).toEqual(job);
      expect(await all(STRANGER, theirs)).toEqual(nothing);
    });
  });
}
