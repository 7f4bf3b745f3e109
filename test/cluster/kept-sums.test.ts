import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import type { JobState } from "../../src/jobs/job.ts";
import { STEPS } from "../../src/storage/postgres/migrations/steps.ts";
import { openPostgres } from "../../src/storage/postgres/open-postgres.ts";
import { aMedium } from "../support/made-jobs.ts";
import { earlierDatabase } from "./earlier-database.ts";
import { ask, freshDatabase } from "./fresh-database.ts";

/** The version that added files up job by job. */
const BEFORE = 5;
const PATH = "SET search_path TO longcat_mcp";

async function opened(url: string) {
  const by = { clock: systemClock, holder: "me", isGone: () => false };
  const stores = await openPostgres({ url, prepares: true, schema: "longcat_mcp" }, by);
  onTestFinished(() => stores.close());
  return stores.jobs;
}

const media = (...sizes: number[]) =>
  JSON.stringify(sizes.map((sizeBytes, n) => aMedium({ index: n + 1, sizeBytes })));

/** Jobs of owners as any version has written them. */
function written(...jobs: (readonly [owner: string, media: string, state?: JobState])[]): string {
  const values = jobs.map(
    ([owner, files, state = "completed"], n) =>
      `('job_${owner}_${n}', '${owner}', 'z', 'b', 1, 'spent', 1, '[]', '${files}', '[]', 0, 0, '${state}')`,
  );
  return `${PATH}; INSERT INTO jobs (job_id, owner, operation, base_url, created_at, charge,
    updated_at, media_urls, media, warnings, warnings_told, orphaned, state)
    VALUES ${values.join(", ")}`;
}

describe("a database of the version before", () => {
  test("has the files of its jobs added up when it is brought forward", async () => {
    const url = await earlierDatabase(BEFORE);
    await ask(
      url,
      written(
        ["anna", media(100, 2 ** 40)],
        ["anna", media(20), "downloading"],
        ["berta", media(3)],
        ["carla", "[]"],
      ),
    );
    const jobs = await opened(url);
    expect(await jobs.held("anna")).toEqual({ runningJobs: 1, keptBytes: 2 ** 40 + 120 });
    expect(await jobs.held("berta")).toEqual({ runningJobs: 0, keptBytes: 3 });
    expect(await jobs.held("carla")).toEqual({ runningJobs: 0, keptBytes: 0 });
    expect(await ask(url, "SELECT * FROM longcat_mcp.schema_version")).toEqual([
      { version: `${STEPS.length}`, compatible_from: "1" },
    ]);
  });

  test("may go on being written by a replica of that version beside one of this", async () => {
    const url = await earlierDatabase(BEFORE);
    const jobs = await opened(url);
    const kept = async () => (await jobs.held("anna")).keptBytes;
    await ask(url, written(["anna", media(100)], ["anna", "[]", "downloading"]));
    expect(await kept()).toBe(100);
    await ask(
      url,
      `${PATH}; UPDATE jobs SET media = '${media(30, 5)}' WHERE state = 'downloading'`,
    );
    expect(await kept()).toBe(135);
    await ask(url, `${PATH}; UPDATE jobs SET state = 'completed', updated_at = 2`);
    expect(await kept()).toBe(135);
    await ask(url, `${PATH}; DELETE FROM jobs`);
    expect(await kept()).toBe(0);
    expect(await ask(url, "SELECT * FROM longcat_mcp.kept_sums")).toEqual([]);
  });
});

test("files of many jobs that come or go at once are added up at once", async () => {
  const url = await freshDatabase();
  const jobs = await opened(url);
  const some = ["anna", "berta"].flatMap((owner) =>
    Array.from({ length: 1_000 }, () => [owner, media(7)] as const),
  );
  const versions =
    "SELECT n_tup_ins + n_tup_upd AS n FROM pg_stat_xact_user_tables WHERE relname = 'kept_sums'";
  const rowsOf = async (statement: string) => {
    const found = await ask(
      url,
      `BEGIN; ${PATH}; ${statement}; CREATE TEMPORARY TABLE seen AS ${versions}; COMMIT;
       SELECT n FROM seen`,
    );
    return found.at(-1);
  };
  expect(await rowsOf(written(...some))).toMatchObject([{ n: "2" }]);
  expect((await jobs.held("berta")).keptBytes).toBe(7_000);
  expect(await rowsOf("DELETE FROM jobs")).toMatchObject([{ n: "2" }]);
  expect(await ask(url, "SELECT * FROM longcat_mcp.kept_sums")).toEqual([]);
});
