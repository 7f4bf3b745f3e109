import { expect, onTestFinished, test } from "vitest";
import { holdersIn } from "../../../src/front/unfinished.ts";
import { Connection } from "../../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../../src/storage/sqlite/sqlite-job-store.ts";
import { BASE } from "../../contracts/kit.ts";
import { leftJob, recordJob } from "../../support/rig.ts";
import { tempDir } from "../../support/temp-dir.ts";

const HERE = "machine/boot/7/1000";
const THERE = "machine/boot/8/2000";

function open(folder: string): SqliteJobStore {
  const store = new SqliteJobStore(new Connection(folder));
  onTestFinished(() => store.close());
  return store;
}

const left = () => leftJob({ baseUrl: BASE, state: "running" });

test("a folder says who has unfinished jobs in it", async () => {
  const folder = await tempDir();
  expect(holdersIn(folder)).toEqual([]);
  const store = open(folder);
  // Nobody has looked yet, so there may be some.
  expect(holdersIn(folder)).toBeUndefined();
  await store.takeOver(HERE, [], BASE);
  expect(holdersIn(folder)).toEqual([]);
  const job = left();
  await recordJob(store, job, HERE);
  expect(holdersIn(folder)).toEqual([HERE]);
  await store.transition(job.owner, job.jobId, {
    from: "running",
    to: "failed",
    now: 1,
    patch: {},
  });
  await store.beat(HERE);
  expect(holdersIn(folder)).toEqual([]);
});

test("jobs that a process leaves at its end are told of until another has them", async () => {
  const folder = await tempDir();
  const first = open(folder);
  await recordJob(first, left(), THERE);
  await first.release(THERE);
  expect(holdersIn(folder)).toEqual([THERE]);
  const second = open(folder);
  await second.takeOver(HERE, [], BASE);
  await second.takeOver(HERE, [], BASE);
  expect(holdersIn(folder)).toEqual([HERE]);
});

test("who has nothing left is forgotten, whoever else works in the folder", async () => {
  const folder = await tempDir();
  const first = open(folder);
  const second = open(folder);
  await recordJob(first, left(), HERE);
  await recordJob(second, left(), THERE);
  expect(holdersIn(folder)?.toSorted()).toEqual([HERE, THERE]);
  await first.release(HERE);
  await second.takeOver(THERE, [], BASE);
  await second.takeOver(THERE, [], BASE);
  expect(holdersIn(folder)).toEqual([THERE]);
});
