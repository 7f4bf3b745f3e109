import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { AppError } from "../../src/core/errors.ts";
import type { PostgresDatabase } from "../../src/storage/postgres/database.ts";
import { PostgresJobStore } from "../../src/storage/postgres/postgres-job-store.ts";
import { PostgresWebhookRecord } from "../../src/storage/postgres/postgres-webhook-record.ts";
import { BASE } from "../contracts/kit.ts";
import { emptyPlace } from "./empty-place.ts";
import { connectionTo } from "./postgres-opener.ts";

const ENDED = 20_000;
const HELD = 1_000;

/** What has been read to answer a statement. */
const planRow = z.object({ "QUERY PLAN": z.tuple([z.object({ Plan: z.unknown() })]) });
const nodeRow = z.object({
  "Actual Rows": z.number(),
  "Actual Loops": z.number(),
  "Rows Removed by Filter": z.number().default(0),
  "Rows Removed by Index Recheck": z.number().default(0),
  Plans: z.array(z.unknown()).default([]),
});

function rowsSeen(node: unknown): number {
  const { Plans, ...rows } = nodeRow.parse(node);
  const own =
    rows["Actual Rows"] + rows["Rows Removed by Filter"] + rows["Rows Removed by Index Recheck"];
  return own * rows["Actual Loops"] + Plans.reduce<number>((sum, one) => sum + rowsSeen(one), 0);
}

/** Tables of a program that has worked for long: many jobs have ended, and others hold some. */
async function busyPlace(): Promise<PostgresDatabase> {
  const db = connectionTo(await emptyPlace());
  onTestFinished(() => db.close());
  const columns = `job_id, owner, operation, base_url, state, charge, created_at, updated_at,
    media_urls, media, warnings, warnings_told, orphaned, lease_holder`;
  const jobs = (name: string, state: string, holder: string, count: number) =>
    `INSERT INTO jobs (${columns}) SELECT '${name}' || i, 'local', 'z_image_turbo_generate',
       '${BASE}', '${state}', 'none', i, i, '[]', '[]', '[]', 0, 0, ${holder}
     FROM generate_series(1, ${count}) AS i;`;
  await db.transaction((within) =>
    within.run(
      `SET LOCAL session_replication_role = replica;
       ${jobs("ended", "completed", "NULL", ENDED)}
       ${jobs("held", "running", "'holder' || (i % 3)", HELD)}
       INSERT INTO holders SELECT 'holder' || i, 1 FROM generate_series(0, 2) AS i;`,
      [],
    ),
  );
  await db.run("ANALYZE jobs, holders", []);
  return db;
}

/** A database, and what each of its questions reads. */
function watched(db: PostgresDatabase) {
  const seen: { sql: string; rows: number }[] = [];
  const watching: PostgresDatabase = {
    ...db,
    async all(sql, values) {
      // What is explained so is done, and therefore taken back.
      const explained = db.transaction(async (within) => {
        const [row] = await within.all(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, values);
        seen.push({ sql, rows: rowsSeen(planRow.parse(row)["QUERY PLAN"][0].Plan) });
        throw new AppError("cancelled", "It was only looked at.");
      });
      await expect(explained).rejects.toMatchObject({ code: "cancelled" });
      return db.all(sql, values);
    },
  };
  return { db: watching, seen };
}

test("to show life and to look for jobs that are left reads as much, however many jobs there are", async () => {
  const { db, seen } = watched(await busyPlace());
  const store = await new PostgresJobStore(db).begin();
  await store.beat("holder0");
  // It looks up once what it holds and does not know of.
  expect((await store.takeOver("holder0", [], BASE)).length).toBeGreaterThan(HELD / 4);
  seen.length = 0;
  await store.beat("holder0");
  expect(await store.otherHolders("holder0", BASE, ["longcat_chat"])).toHaveLength(2);
  expect(await store.takeOver("holder0", [], BASE, ["longcat_chat"])).toEqual([]);
  expect(seen).toHaveLength(3);
  for (const { sql, rows } of seen) expect(rows, sql).toBeLessThan(50);
});

test("to look for webhooks reads none of the jobs that are held, whatever the server takes their number for", async () => {
  const place = await busyPlace();
  // It has counted before, when they were nobody's.
  await place.run("UPDATE jobs SET lease_holder = NULL", []);
  await place.run("ANALYZE jobs, holders", []);
  await place.run("UPDATE jobs SET lease_holder = 'late' WHERE state = 'running'", []);
  const { db, seen } = watched(place);
  const taker = { holder: "late", baseUrl: BASE, now: 1, patienceMs: 1, isGone: () => false };
  expect(await new PostgresWebhookRecord(db).take(taker)).toEqual([]);
  expect(seen).toHaveLength(1);
  for (const { sql, rows } of seen) expect(rows, sql).toBeLessThan(50);
});
