import { expect, it, onTestFinished } from "vitest";
import { Connection } from "../../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../../src/storage/sqlite/sqlite-job-store.ts";
import { leftJob, OWNER, recordJob } from "../../support/rig.ts";
import { tempDir } from "../../support/temp-dir.ts";

const BASE = "https://gateway.example";

it("an ended job is nobody's: one that goes on after all is free to be taken up", async () => {
  const store = new SqliteJobStore(new Connection(await tempDir()));
  onTestFinished(() => store.close());
  const job = leftJob({ baseUrl: BASE, state: "submitting" });
  await recordJob(store, job, "me");
  expect(await store.otherHolders("other", BASE)).toEqual([{ holder: "me", beat: 0 }]);

  const step = { patch: {}, now: job.updatedAt + 1 };
  await store.transition(OWNER, job.jobId, { ...step, from: "submitting", to: "unknown" });
  // Its request was found after all.
  await store.transition(OWNER, job.jobId, { ...step, from: "unknown", to: "running" });

  expect(await store.otherHolders("other", BASE)).toEqual([]);
  const taken = await store.takeOver("other", [], BASE);
  expect(taken.map(({ jobId }) => jobId)).toEqual([job.jobId]);
});

it("many jobs are taken over some at a time, and each by one of those who want it", async () => {
  const folder = await tempDir();
  const stores = [0, 1].map(() => new SqliteJobStore(new Connection(folder)));
  onTestFinished(() => Promise.all(stores.map((store) => store.close())).then(() => undefined));
  const [first, second] = stores;
  if (!first || !second) return expect.unreachable();
  const jobs = Array.from({ length: 450 }, () => leftJob({ baseUrl: BASE, state: "running" }));
  await Promise.all(jobs.map((job) => recordJob(first, job, "gone")));
  const ended = jobs.at(-1)?.jobId ?? "";

  const taken: string[][] = [[], []];
  const take = async (of: number, store: SqliteJobStore) => {
    const some = await store.takeOver(`process ${of}`, ["gone"], BASE);
    taken[of]?.push(...some.map(({ jobId }) => jobId));
    return some.length;
  };
  expect(await take(0, first)).toBeLessThan(jobs.length);
  // What the second one saw as free is taken and ended by others before it takes it.
  expect(await take(1, second)).toBeGreaterThan(0);
  const step = { patch: {}, now: Date.now() };
  const over = await first.transition(OWNER, ended, { ...step, from: "running", to: "failed" });
  while ((await take(0, first)) > 0);
  expect(await take(1, second)).toBe(0);

  const all = taken.flat();
  expect(new Set(all).size).toBe(all.length);
  const wasTaken = all.includes(ended);
  expect(all).toHaveLength(jobs.length - (over && !wasTaken ? 1 : 0));
  expect(await first.beat("process 0")).toHaveLength((taken[0]?.length ?? 0) - (wasTaken ? 1 : 0));
  expect(await first.otherHolders("process 0", BASE)).toMatchObject([{ holder: "process 1" }]);
});
