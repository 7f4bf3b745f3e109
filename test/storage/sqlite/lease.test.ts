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
