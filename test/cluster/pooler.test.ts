import { describe, expect, test } from "vitest";
import type { JobPatch, JobState } from "../../src/jobs/job.ts";
import { PostgresJobStore } from "../../src/storage/postgres/postgres-job-store.ts";
import { BASE } from "../contracts/kit.ts";
import { leftJob, NO_LIMITS, OWNER, recordJob } from "../support/rig.ts";
import { emptyPlace } from "./empty-place.ts";
import { connectionTo } from "./postgres-opener.ts";

/** As behind a pooler that gives each transaction another connection, on which nothing is prepared. */
async function pooled() {
  const db = connectionTo(await emptyPlace(), false);
  const store = await new PostgresJobStore(db).begin();
  return { db, store };
}

describe("statements that are not prepared", () => {
  test("find their tables, and leave nothing of themselves on a connection", async () => {
    const { db } = await pooled();
    const [named] = await db.all("SELECT count(*) AS n FROM jobs", []);
    expect(named).toEqual({ n: 0 });
    const [left] = await db.all("SELECT count(*) AS n FROM pg_prepared_statements", []);
    expect(left).toEqual({ n: 0 });
  });

  test("have values of every kind", async () => {
    const { db } = await pooled();
    const [row] = await db.all(
      `SELECT CAST(? AS text) AS text, CAST(? AS bigint) AS n, CAST(? AS double precision) AS usd,
         CAST(? AS bytea) AS bytes, CAST(? AS text) AS nothing`,
      ["A ? and a $1", 9_007_199_254_740_991, 0.07, Buffer.from("bytes"), null],
    );
    expect(row).toMatchObject({
      ...{ text: "A ? and a $1", n: 9_007_199_254_740_991, usd: 0.07, nothing: null },
      bytes: Buffer.from("bytes"),
    });
  });

  test("record a job's life as others do", async () => {
    const { store } = await pooled();
    const job = leftJob({ baseUrl: BASE, reservedUsd: 0.5, fingerprint: "same" });
    await recordJob(store, job, "me");
    const rules = { forceNew: false, limits: { ...NO_LIMITS, perDayUsd: 0.9 }, now: job.createdAt };
    const again = leftJob({ baseUrl: BASE, reservedUsd: 0.5, fingerprint: "same" });
    expect(await store.admit(again, "me", rules)).toMatchObject({ kind: "duplicate" });
    const other = leftJob({ baseUrl: BASE, reservedUsd: 0.5, fingerprint: "other" });
    await expect(store.admit(other, "me", rules)).rejects.toMatchObject({ code: "over_budget" });
    let current = await store.get(OWNER, job.jobId);
    const steps: [JobState, JobState, JobPatch][] = [
      ["queued", "submitting", {}],
      ["submitting", "running", { requestId: "request-1" }],
      ["running", "downloading", { mediaUrls: [`${BASE}/a.png`] }],
      ["downloading", "completed", { charge: "spent", costUsd: 0.5, completedAt: 9 }],
    ];
    for (const [from, to, patch] of steps) {
      await store.transition(OWNER, job.jobId, {
        from,
        to,
        patch,
        now: 9,
        holder: "me",
      });
      current = await store.get(OWNER, job.jobId);
      expect(current).toMatchObject({ state: to, ...patch });
    }
    expect(await store.findByRequestId(OWNER, "request-1")).toMatchObject({ jobId: job.jobId });
    expect(await store.spending(OWNER, job.createdAt)).toMatchObject({ total: { spentUsd: 0.5 } });
    expect(await store.changes()).toEqual([]);
  });

  test("are all or nothing, as a transaction", async () => {
    const { db } = await pooled();
    const failed = db.transaction(async (within) => {
      await within.run("INSERT INTO closed (closed_at) VALUES (?)", [1]);
      throw new Error("taken back");
    });
    await expect(failed).rejects.toThrow();
    expect(await db.all("SELECT * FROM closed", [])).toEqual([]);
  });
});
