import { expect, it } from "vitest";
import { newJobId } from "../../src/core/ids.ts";
import { settleByHand } from "../../src/jobs/settling.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { aJob, record } from "../support/made-jobs.ts";
import { tempDir } from "../support/temp-dir.ts";

const NOW = Date.parse("2026-11-20T13:00:00Z");
const DOUBT = { state: "unknown", charge: "uncertain", costUsd: null } as const;

async function open() {
  const store = new SqliteJobStore(new Connection(await tempDir()));
  const settle = (jobId: string, verdict: "spent" | "none", owner = "local") =>
    settleByHand(store, owner, jobId, verdict, NOW);
  return { store, settle };
}

it("settles what is in doubt, and corrects it, as often as somebody changes their mind", async () => {
  const { store, settle } = await open();
  const job = aJob(DOUBT);
  await record(store, job);
  expect(await settle(job.jobId, "spent")).toMatchObject({ charge: "spent", costUsd: 0.01 });
  expect(await settle(job.jobId, "none")).toMatchObject({ charge: "none", costUsd: null });
  expect(await settle(job.jobId, "spent")).toMatchObject({ charge: "spent", costUsd: 0.01 });
});

it("changes nothing about what is known, is not there, or is somebody else's", async () => {
  const { store, settle } = await open();
  const [known, theirs] = [aJob(), aJob({ ...DOUBT, owner: "eve" })];
  await record(store, known, theirs);
  await expect(settle(known.jobId, "none")).rejects.toMatchObject({
    code: "invalid_input",
    message: `${known.jobId} is not in doubt: it is completed and its charge is "spent". Nothing was changed.`,
  });
  for (const jobId of [theirs.jobId, newJobId()]) {
    await expect(settle(jobId, "none")).rejects.toMatchObject({ code: "not_found" });
  }
  expect((await store.get("eve", theirs.jobId))?.charge).toBe("uncertain");
  expect((await store.get("local", known.jobId))?.charge).toBe("spent");
});
