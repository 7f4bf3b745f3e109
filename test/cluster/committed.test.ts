import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { STEPS } from "../../src/storage/postgres/migrations/steps.ts";
import { openPostgres } from "../../src/storage/postgres/open-postgres.ts";
import { aJob } from "../support/made-jobs.ts";
import { NO_LIMITS, OWNER } from "../support/rig.ts";
import { earlierDatabase } from "./earlier-database.ts";
import { ask, freshDatabase } from "./fresh-database.ts";

/** The version that did not keep sums. */
const BEFORE = 2;
const NOW = Date.parse("2026-11-20T12:00:00Z");
const DAY_MS = 86_400_000;
const PATH = "SET search_path TO longcat_mcp";

async function opened(url: string) {
  const by = { clock: systemClock, holder: "me", isGone: () => false };
  const stores = await openPostgres({ url, prepares: true, schema: "longcat_mcp" }, by);
  onTestFinished(() => stores.close());
  return stores;
}

/** As any version has written it: how many days ago, its charge, what it cost and was to cost. */
function written(table: string, ...jobs: (readonly [number, string, string, string])[]): string {
  const rest =
    table === "jobs" ? ["updated_at", "media_urls", "media", "warnings"] : ["deleted_at"];
  const more = table === "jobs" ? ", warnings_told, orphaned, state" : ", indexes";
  const values = jobs.map(([daysAgo, charge, cost, reserved], n) => {
    const others = table === "jobs" ? "1, '[]', '[]', '[]', 0, 0, 'completed'" : "1, '[]'";
    return `('job_${table}_${daysAgo}_${n}', '${OWNER}', 'z', 'b', ${NOW - daysAgo * DAY_MS},
      '${charge}', ${cost}, ${reserved}, ${others})`;
  });
  return `${PATH}; INSERT INTO ${table} (job_id, owner, operation, base_url, created_at, charge,
    cost_usd, reserved_usd, ${rest.join(", ")}${more}) VALUES ${values.join(", ")}`;
}

describe("a database of the version before", () => {
  test("has its jobs added up when it is brought forward, those that were deleted as well", async () => {
    const url = await earlierDatabase(BEFORE);
    const jobs = [
      ...[
        [0, "spent", "0.1", "0.9"],
        [0, "reserved", "NULL", "0.2"],
        [0, "none", "5", "5"],
      ],
      ...[
        [3, "uncertain", "NULL", "0.4"],
        [3, "spent", "NULL", "NULL"],
        [30, "spent", "7", "7"],
      ],
    ] as const;
    await ask(url, written("jobs", ...jobs));
    await ask(url, written("deleted_jobs", [0, "spent", "0.8", "0.8"]));
    const { jobs: store, users } = await opened(url);
    const own = { todayUsd: 1.1, thisMonthUsd: 1.5 };
    expect(await store.committed(OWNER, NOW)).toEqual(own);
    await users.noteClosed(NOW);
    expect((await store.committed("another", NOW)).shared?.all).toEqual(own);
    expect(await ask(url, "SELECT * FROM longcat_mcp.schema_version")).toEqual([
      { version: `${STEPS.length}`, compatible_from: "1" },
    ]);
  });

  test("may go on being written by a replica of that version beside one of this", async () => {
    const url = await earlierDatabase(BEFORE);
    const { jobs: store } = await opened(url);
    await ask(url, written("jobs", [0, "reserved", "NULL", "0.25"], [0, "spent", "0.5", "1"]));
    expect((await store.committed(OWNER, NOW)).todayUsd).toBe(0.75);
    await ask(url, `${PATH}; UPDATE jobs SET charge = 'none' WHERE charge = 'reserved'`);
    expect((await store.committed(OWNER, NOW)).todayUsd).toBe(0.5);
    await ask(url, `${PATH}; DELETE FROM jobs WHERE charge = 'spent'`);
    expect(await store.committed(OWNER, NOW)).toEqual({ todayUsd: 0, thisMonthUsd: 0 });
  });
});

describe("an admission", () => {
  test("reads as many rows of sums whatever there is of jobs, and a change of none writes none", async () => {
    const url = await freshDatabase();
    const { jobs: store } = await opened(url);
    const sums = () => ask(url, "SELECT owner, usd, xmin FROM longcat_mcp.money_days ORDER BY 1");
    for (let n = 0; n < 3; n++) {
      const job = aJob({ createdAt: NOW, charge: "reserved", costUsd: null, reservedUsd: 0.01 });
      await store.admit(job, "me", { forceNew: true, limits: NO_LIMITS, now: NOW });
      const before = await sums();
      expect(before).toMatchObject([{ owner: "" }, { owner: OWNER, usd: `0.0${n + 1}` }]);
      // As most are: it costs what was reserved.
      await store.patch(OWNER, job.jobId, { charge: "spent", costUsd: 0.01 }, NOW);
      expect(await sums()).toEqual(before);
    }
  });
});

test("many jobs that come or go at once are added up at once", async () => {
  const url = await freshDatabase();
  const { jobs: store } = await opened(url);
  const many = Array.from({ length: 2_000 }, () => [0, "spent", "0.01", "0.01"] as const);
  await ask(url, written("jobs", ...many));
  expect((await store.committed(OWNER, NOW)).todayUsd).toBe(20);
  // As often as it was written, and no row by row.
  const versions =
    "SELECT n_tup_ins + n_tup_upd AS n FROM pg_stat_xact_user_tables WHERE relname = 'money_days'";
  const found = await ask(
    url,
    `BEGIN; ${PATH}; DELETE FROM jobs; CREATE TEMPORARY TABLE seen AS ${versions}; COMMIT;
     SELECT n FROM seen`,
  );
  expect(found.at(-1)).toMatchObject([{ n: "2" }]);
  expect(await store.committed(OWNER, NOW)).toEqual({ todayUsd: 0, thisMonthUsd: 0 });
});
