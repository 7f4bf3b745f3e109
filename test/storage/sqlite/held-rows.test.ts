import { expect, it, onTestFinished, vi } from "vitest";
import * as z from "zod";
import { Connection } from "../../../src/storage/sqlite/connection.ts";
import { heldBy } from "../../../src/storage/sqlite/held-rows.ts";
import { SqliteJobStore } from "../../../src/storage/sqlite/sqlite-job-store.ts";
import { aJob, aMedium, record } from "../../support/made-jobs.ts";
import { OWNER } from "../../support/rig.ts";
import { tempDir } from "../../support/temp-dir.ts";

const planRow = z.object({ detail: z.string() });

async function openStore() {
  const connection = new Connection(await tempDir());
  connection.all("PRAGMA synchronous=OFF", []);
  const store = new SqliteJobStore(connection);
  onTestFinished(() => store.close());
  return { connection, store };
}

it("what an owner has is known without a look at a job that has ended", async () => {
  const { connection } = await openStore();
  const asked = vi.spyOn(connection, "all");
  heldBy(connection, OWNER);
  const statements = asked.mock.calls.map(([sql]) => sql);
  asked.mockRestore();
  const plans = statements.map((sql) =>
    connection.all(`EXPLAIN QUERY PLAN ${sql}`, [OWNER]).map((row) => planRow.parse(row).detail),
  );
  expect(plans).toEqual([
    ["SEARCH jobs USING COVERING INDEX jobs_by_state (owner=? AND state=?)"],
    ["SEARCH kept_sums USING PRIMARY KEY (owner=?)"],
  ]);
});

it("an owner of no file leaves no sum", async () => {
  const { connection, store } = await openStore();
  const sums = () => connection.all("SELECT * FROM kept_sums", []);
  const job = aJob({ media: [aMedium()] });
  await record(store, aJob(), job);
  expect(sums()).toEqual([{ owner: OWNER, bytes: 1_000 }]);
  await store.delete(OWNER, [job.jobId], { withFiles: true, now: 1 });
  expect(sums()).toEqual([]);
});
