import * as z from "zod";
import { AppError } from "../../core/errors.ts";
import type { JobPage, JobQuery } from "../../jobs/job-store.ts";
import type { Connection } from "./connection.ts";
import { type Column, readRow } from "./job-rows.ts";

/** Exported for a test, which asks how it is answered. */
export const DURATIONS = `SELECT completed_at - created_at AS ms FROM jobs
  WHERE owner = ? AND operation = ? AND state = 'completed' AND fingerprint IS NOT NULL
  AND completed_at IS NOT NULL ORDER BY completed_at DESC LIMIT ?`;
const durationRow = z.object({ ms: z.number() });
const sequenceRow = z.object({ seq: z.number() });

/** A page of an owner's jobs, newest first. @throws {invalid_input} for a cursor that is not ours. */
export function listJobs(connection: Connection, query: JobQuery): JobPage {
  const filters = ["owner = ?", "seq < ?"];
  const values: Column[] = [query.owner, readCursor(query.cursor)];
  if (query.operation !== undefined) {
    filters.push("operation = ?");
    values.push(query.operation);
  }
  if (query.states) {
    filters.push(`state IN (${query.states.map(() => "?").join(", ")})`);
    values.push(...query.states);
  }
  const rows = connection.all(
    `SELECT * FROM jobs WHERE ${filters.join(" AND ")} ORDER BY seq DESC LIMIT ?`,
    [...values, query.limit + 1],
  );
  const page = rows.slice(0, query.limit);
  const last = sequenceRow.safeParse(page.at(-1)).data;
  return {
    jobs: page.map(readRow),
    nextCursor: rows.length > query.limit && last ? pageCursor(last.seq) : undefined,
  };
}

/** What the newest completed jobs of an operation took, in milliseconds; reads no more rows. */
export function durationsOf(
  connection: Connection,
  owner: string,
  operation: string,
  most: number,
): number[] {
  const rows = connection.all(DURATIONS, [owner, operation, most]);
  return rows.map((row) => durationRow.parse(row).ms);
}

/** A cursor for what comes after a row, in a list that has the newest first. */
export function pageCursor(seq: number): string {
  return `before-${seq}`;
}

/** @returns the number below which a page begins. @throws {invalid_input} for none of ours. */
export function readCursor(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const seq = /^before-(\d{1,15})$/.exec(cursor)?.[1];
  if (seq === undefined) {
    throw new AppError("invalid_input", "`cursor` must be the `next_cursor` of a previous page.");
  }
  return Number(seq);
}
