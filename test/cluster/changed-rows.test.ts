import { describe, expect, onTestFinished, test } from "vitest";
import { PostgresJobStore } from "../../src/storage/postgres/postgres-job-store.ts";
import { BASE } from "../contracts/kit.ts";
import { leftJob, OWNER, recordJob } from "../support/rig.ts";
import { emptyPlace } from "./empty-place.ts";
import { connectionTo } from "./postgres-opener.ts";

/** Two jobs, somebody who hears of what others do with them, and connections of those others. */
async function watched() {
  const place = await emptyPlace();
  const connect = () => {
    const connection = connectionTo(place);
    onTestFinished(() => connection.close());
    return connection;
  };
  const [db, watching] = [connect(), connect()];
  const store = await new PostgresJobStore(db).begin();
  const jobs = [leftJob({ baseUrl: BASE }), leftJob({ baseUrl: BASE })];
  for (const job of jobs) await recordJob(store, job, "me");
  const watcher = await new PostgresJobStore(watching).begin();
  expect(await watcher.changes()).toEqual([]);
  const [first = "", second = ""] = jobs.map(({ jobId }) => jobId);
  const heard = async () => (await watcher.changes()).map(({ jobId }) => jobId);
  return { db, store, watcher, first, second, heard };
}

const TOUCH = `UPDATE jobs SET upstream_status = ?, revision = nextval('revisions'),
  xact = pg_current_xact_id() WHERE job_id = ?`;

/** Begins a transaction that ends when it is told to. */
function opened(db: Awaited<ReturnType<typeof watched>>["db"], jobId: string) {
  let end = (_isMeant: boolean) => {};
  const ends = new Promise<boolean>((resolve) => {
    end = resolve;
  });
  let begun = () => {};
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const over = db
    .transaction(async (within) => {
      await within.run(TOUCH, ["LATE", jobId]);
      begun();
      if (!(await ends)) throw new Error("taken back");
    })
    .catch(() => undefined);
  return {
    hasBegun,
    async end(isMeant = true) {
      end(isMeant);
      await over;
    },
  };
}

describe("what others change", () => {
  test("is heard of though a later change was there before it", async () => {
    const { db, store, first, second, heard } = await watched();
    const slow = opened(db, first);
    await slow.hasBegun;
    await store.patch(OWNER, second, { upstreamStatus: "QUICK" }, 9);
    expect(await heard()).toEqual([second]);
    expect(await heard()).toEqual([]);
    await slow.end();
    expect(await heard()).toEqual([first]);
    expect(await heard()).toEqual([]);
  });

  test("is not heard of where it was taken back", async () => {
    const { db, store, first, second, heard } = await watched();
    const slow = opened(db, first);
    await slow.hasBegun;
    await slow.end(false);
    expect(await heard()).toEqual([]);
    await store.patch(OWNER, second, { upstreamStatus: "QUICK" }, 9);
    expect(await heard()).toEqual([second]);
  });

  test("is no news for whoever comes once it is there, and is for whoever came while it was made", async () => {
    const { db, store, first, second, heard } = await watched();
    const slow = opened(db, first);
    await slow.hasBegun;
    await store.patch(OWNER, second, { upstreamStatus: "QUICK" }, 9);
    const late = await new PostgresJobStore(db).begin();
    await slow.end();
    expect((await late.changes()).map(({ jobId }) => jobId)).toEqual([first]);
    const later = await new PostgresJobStore(db).begin();
    expect(await later.changes()).toEqual([]);
    expect((await heard()).sort()).toEqual([first, second].sort());
  });

  test("is heard of as it is then, however often it was changed", async () => {
    const { store, first, watcher } = await watched();
    for (const upstreamStatus of ["A", "B", "C"]) {
      await store.patch(OWNER, first, { upstreamStatus }, 9);
    }
    expect((await watcher.changes()).map((job) => job.upstreamStatus)).toEqual(["C"]);
  });

  test("does not hold up the next look, though somebody leaves a transaction open", async () => {
    const { db, store, first, second, heard } = await watched();
    const slow = opened(db, first);
    await slow.hasBegun;
    for (let n = 0; n < 20; n++) {
      await store.patch(OWNER, second, { upstreamStatus: `${n}` }, n);
      expect(await heard()).toEqual([second]);
    }
    await slow.end();
    expect(await heard()).toEqual([first]);
  });
});
