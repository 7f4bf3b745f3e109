import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import { expect, it } from "vitest";
import { draftedJob } from "../../../src/jobs/drafted-job.ts";
import { Followed } from "../../../src/purchases/followed.ts";
import {
  bodyColumnsOf,
  columnsOf,
  readRow,
  readWholeRow,
} from "../../../src/storage/rows/job-rows.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { leftJob } from "../../support/rig.ts";

/*
 * Of an object that is put together in another way V8 keeps a shape for that one alone, which takes
 * several times as much memory as the object itself, and none of what it has learned of others.
 */
const MANY = 200;
const clock = new FakeClock();

setFlagsFromString("--allow-natives-syntax");
const haveSameShape = runInThisContext("(a, b) => %HaveSameMap(a, b)");

function row(n: number): Record<string, unknown> {
  const job = leftJob({
    baseUrl: "",
    jobId: `job_${n}`,
    state: "running",
    requestId: `request-${n}`,
  });
  return { ...columnsOf(job), ...bodyColumnsOf(job) };
}

const draft = {
  plan: {
    ...{ jobId: "job_1", operation: "z_image_turbo_generate", threadId: null, saveTo: null },
    ...{ charge: "reserved" as const, reservedUsd: 0.1, input: {}, wire: {}, warnings: [] },
    identity: {},
  },
  limits: { perDayUsd: undefined, perMonthUsd: undefined, confirmAboveUsd: undefined },
  check: async () => {},
  keep: async () => {},
  outline: () => expect.fail("nobody asks for an outline"),
  over: async () => {},
};
const store = { digest: async (text: string) => text };

it.each<[string, (n: number) => unknown]>([
  ["as they are listed", (n) => readRow(row(n))],
  ["as they are read", (n) => readWholeRow(row(n))],
  ["as they are started", () => draftedJob({ store, clock }, { baseUrl: "" }, "ada", {}, draft)],
  [
    "as they are followed",
    (n) => new Followed(readRow(row(n)), undefined, { clock, context: {}, goOn: () => {} }),
  ],
])("thousands of jobs, %s, have one shape", async (_how, make) => {
  const made = await Promise.all(Array.from({ length: MANY }, (_, n) => make(n)));
  const [first, ...others] = made.slice(MANY / 2);
  expect(others.filter((other) => !haveSameShape(first, other))).toEqual([]);
});
