import * as z from "zod";
import { forgottenBefore, SETTLED_CHARGES, SURELY_PAST_MS } from "../../jobs/retention.ts";
import { UNFINISHED } from "../rows/job-rows.ts";
import type { Connection } from "./connection.ts";

const numberRow = z.object({ n: z.number() });

/** Removes old jobs, and what was left of deleted ones; within a transaction. @returns how many jobs. */
export function forgetOld(db: Connection, keepDays: number, now: number): number {
  const before = forgottenBefore(keepDays, now, surelyPast(db));
  db.run("DELETE FROM deleted_jobs WHERE max(created_at, deleted_at) < ?", [before]);
  db.run("DELETE FROM chat_usage WHERE created_at < ?", [before]);
  return db.all(
    `DELETE FROM jobs WHERE NOT (${UNFINISHED})
     AND charge IN (SELECT value FROM json_each(?))
     AND max(created_at, updated_at) < ? RETURNING seq`,
    [JSON.stringify(SETTLED_CHARGES), before],
  ).length;
}

/**
 * A time that has come even if the clock is ahead today: that of the newest job but those of the
 * newest day.
 */
function surelyPast(db: Connection): number {
  const [row] = db.all(
    `SELECT coalesce(max(created_at), 0) AS n FROM jobs
     WHERE created_at <= (SELECT max(created_at) FROM jobs) - ${SURELY_PAST_MS}`,
    [],
  );
  return numberRow.parse(row).n;
}
