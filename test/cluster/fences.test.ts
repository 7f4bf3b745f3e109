import { describe, expect, onTestFinished, test } from "vitest";
import { BASE, benchFor } from "../contracts/kit.ts";
import { newTurn } from "../contracts/turns.ts";
import { OWNER, summaryOf } from "../support/rig.ts";
import { emptyPlace } from "./empty-place.ts";
import { open, opener } from "./postgres-opener.ts";

const bench = benchFor({ place: emptyPlace, open, opener });
const CHAT = "longcat_chat";

/** A turn that is being answered by `me`, and the stores of another that has taken its job over. */
async function takenOver() {
  const turn = newTurn();
  const { jobId, threadId } = turn;
  await bench.threads.begin(OWNER, turn);
  const job = await bench.add({ jobId, threadId, operation: CHAT, state: "running" });
  await bench.threads.append(OWNER, jobId, 0, { answer: "Be", reasoning: "" });
  const other = await bench.another();
  expect(await other.jobs.takeOver("other", ["me"], BASE, [CHAT])).toHaveLength(1);
  return { job, other, jobId };
}

describe("whoever goes on with a job that another has taken over", () => {
  test("changes nothing of it, and is told how it stands", async () => {
    const { job, other, jobId } = await takenOver();
    const before = await other.jobs.get(OWNER, jobId);
    const as = { ...summaryOf(job), orphaned: true };
    expect(await bench.jobs.patch(OWNER, jobId, { upstreamStatus: "X" }, 9)).toEqual(as);
    expect(await bench.jobs.patchWhile(job, { upstreamStatus: "X" }, 9)).toBeUndefined();
    const step = { from: "running", to: "downloading", patch: {}, now: 9, holder: "me" } as const;
    expect(await bench.jobs.transition(OWNER, jobId, step)).toBeUndefined();
    expect(await bench.jobs.amendMedia(OWNER, jobId, () => [], 9)).toEqual(as);
    expect(await other.jobs.get(OWNER, jobId)).toEqual(before);
    expect(await bench.jobs.beat("me")).toEqual([]);
    expect(await other.jobs.beat("other")).toEqual([jobId]);
  });

  test("cannot put it back either, when it was in doubt about it", async () => {
    const job = await bench.add({ state: "queued" });
    const other = await bench.another();
    onTestFinished(() => other.jobs.close());
    await other.jobs.takeOver("other", ["me"], BASE);
    const step = { from: "queued", to: "submitting", patch: {}, now: 9, holder: "me" } as const;
    expect(await bench.jobs.transition(OWNER, job.jobId, step)).toBeUndefined();
    await bench.jobs.beat("me");
    expect(await other.jobs.beat("other")).toEqual([job.jobId]);
  });
});
