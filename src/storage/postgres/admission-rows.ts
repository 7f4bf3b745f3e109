import * as z from "zod";
import { periodStarts } from "../../jobs/budget.ts";
import { deletedDuplicate, requireSameCall, standsForDuplicate } from "../../jobs/deduplication.ts";
import type { Job } from "../../jobs/job.ts";
import type { AdmissionRules, SpendingReport, TimeSpan } from "../../jobs/job-store.ts";
import type { Held } from "../../jobs/quotas.ts";
import { CHARGED_JOBS, readRow, UNFINISHED } from "../rows/job-rows.ts";
import { refusalOfRevoked } from "../rows/refusals.ts";
import { readReport } from "../rows/sum-rows.ts";
import type { Statements } from "./database.ts";

const ALL = Number.MAX_SAFE_INTEGER;
const CHARGED = "charge <> 'none'";
const SUMS = `
  coalesce(sum(coalesce(cost_usd, reserved_usd)) FILTER (WHERE charge = 'spent'), 0) AS "spentUsd",
  coalesce(sum(reserved_usd) FILTER (WHERE charge = 'reserved'), 0) AS "reservedUsd",
  coalesce(sum(reserved_usd) FILTER (WHERE charge = 'uncertain'), 0) AS "uncertainUsd",
  count(*) AS jobs,
  count(*) FILTER (WHERE coalesce(cost_usd, reserved_usd) IS NULL) AS unpriced`;
const DAY = "to_char(to_timestamp(created_at / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, ";
const heldRow = z.object({ running: z.number(), bytes: z.number() });

/** What whoever is admitted waits for others of the same owner with. */
export function ownerLock(owner: string): string {
  return `money of ${owner}`;
}

/**
 * For a call that was let in before its user was revoked: nothing is bought for it any more.
 * @throws {forbidden}
 */
export async function refuseRevoked(db: Statements, owner: string): Promise<void> {
  const sql = "SELECT 1 FROM users WHERE user_id = ? AND revoked_at IS NOT NULL";
  if ((await db.all(sql, [owner])).length > 0) throw refusalOfRevoked();
}

/**
 * The earlier job that stands for a new one.
 * @throws {invalid_input | not_found} where it cannot, or was deleted.
 */
export async function duplicateOf(
  db: Statements,
  job: Job,
  { forceNew, now }: AdmissionRules,
): Promise<Job | undefined> {
  const { owner, idempotencyKey, fingerprint, baseUrl } = job;
  if (idempotencyKey !== null) return keyedJob(db, job, idempotencyKey, forceNew);
  if (forceNew) return undefined;
  const [rows, deleted] = await Promise.all([
    db.all(
      "SELECT * FROM jobs WHERE fingerprint = ? AND owner = ? AND base_url = ? ORDER BY seq DESC",
      [fingerprint, owner, baseUrl],
    ),
    db.all(
      `SELECT 1 FROM deleted_jobs
       WHERE fingerprint = ? AND owner = ? AND base_url = ? AND duplicates_until > ? LIMIT 1`,
      [fingerprint, owner, baseUrl, now],
    ),
  ]);
  const earlier = rows.map(readRow).find((one) => standsForDuplicate(one, now));
  if (earlier) return earlier;
  if (deleted.length > 0) throw deletedDuplicate("arguments");
  return undefined;
}

/** How much an owner has; what has ended counts for nothing in how long that takes. */
export async function heldBy(db: Statements, owner: string): Promise<Held> {
  const [row] = await db.all(
    `SELECT (SELECT count(*) FROM jobs WHERE owner = ? AND ${UNFINISHED}) AS running,
       coalesce((SELECT bytes FROM kept_sums WHERE owner = ?), 0) AS bytes`,
    [owner, owner],
  );
  const { running, bytes } = heldRow.parse(row);
  return { runningJobs: running, keptBytes: bytes };
}

/** What an owner's jobs have cost and may still cost, by period and operation. */
export async function spendingOf(
  db: Statements,
  owner: string,
  now: number,
  period: TimeSpan = {},
): Promise<SpendingReport> {
  const { day, month } = periodStarts(now);
  const { since = 0, before = ALL } = period;
  const rows = (select: string, more: string, from = since, to = before) =>
    db.all(
      `SELECT ${select}${SUMS} FROM ${CHARGED_JOBS} AS charged
       WHERE owner = ? AND created_at >= ? AND created_at < ? AND ${CHARGED} ${more}`,
      [owner, from, to],
    );
  const crossed = "GROUP BY day, operation ORDER BY day DESC, operation";
  const [[total], [today], [thisMonth], byDay, byOperation, byDayAndOperation] = await Promise.all([
    rows("", ""),
    rows("", "", day, ALL),
    rows("", "", month, ALL),
    rows(DAY, "GROUP BY day ORDER BY day DESC"),
    rows("operation, ", "GROUP BY operation ORDER BY operation"),
    rows(`${DAY}operation, `, crossed),
  ]);
  return readReport({ total, today, thisMonth, byDay, byOperation, byDayAndOperation });
}

async function keyedJob(
  db: Statements,
  job: Job,
  key: string,
  forceNew: boolean,
): Promise<Job | undefined> {
  const which = "owner = ? AND idempotency_key = ?";
  const [row] = await db.all(`SELECT * FROM jobs WHERE ${which}`, [job.owner, key]);
  if (row !== undefined) {
    const keyed = readRow(row);
    requireSameCall(keyed, job, forceNew);
    return keyed;
  }
  const sql = `SELECT 1 FROM deleted_jobs WHERE ${which} LIMIT 1`;
  if ((await db.all(sql, [job.owner, key])).length > 0) throw deletedDuplicate("key");
  return undefined;
}
