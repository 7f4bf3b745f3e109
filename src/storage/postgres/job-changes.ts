import * as z from "zod";
import type { Job, JobState, WholeJob } from "../../jobs/job.ts";
import {
  assignments,
  bodyColumnsOf,
  type Column,
  columnsOf,
  LISTED_PROMPT_CHARACTERS,
  marks,
  readRow,
} from "../rows/job-rows.ts";
import { STAMPED, type Statements } from "./database.ts";
import { writeFileWords, writeJobWords } from "./found-words.ts";

/** A job, and in whose name it is asked for. */
export type JobName = Pick<Job, "owner" | "jobId">;

/** What must be so for a change to be made. */
export interface Guard {
  /** The state that the job must be in. */
  from?: JobState | undefined;
  /** Who makes the change must follow the job still. */
  fence?: number | null;
  /** It is another's from here on: whoever followed it before does so no more. */
  isPassed?: boolean;
}

const promptRow = z.object({ prompt: z.string() });

/** What whoever finds or notes the request of a job waits for. */
export function requestLock(requestId: string): string {
  return `request ${requestId}`;
}

/** Within a transaction. @returns the row. */
export async function insertJob(db: Statements, job: WholeJob, holder: string): Promise<unknown> {
  const columns = { ...columnsOf(job), lease_holder: holder };
  const names = Object.keys(columns);
  const { input = "{}", wire = null, prompt = null } = storedBody(job);
  const [[row], , task] = await Promise.all([
    db.all(
      `INSERT INTO jobs (${names.join(", ")}) VALUES (${marks(names)}) RETURNING *`,
      Object.values(columns),
    ),
    db.run("INSERT INTO job_bodies (job_id, input, wire, prompt) VALUES (?, ?, ?, ?)", [
      ...[job.jobId, input, wire, prompt],
    ]),
    turnPrompt(db, job.jobId),
  ]);
  if (job.requestId !== null) await claimRequest(db, job, job.requestId);
  await writeJobWords(db, job, task);
  return row;
}

/**
 * Changes a job, with what it is found by. Within a transaction where more than its row changes: see
 * {@link isMoreThanARow}.
 * @param guard what must be so for it.
 * @returns the row as it is then; `undefined` where there is none to change.
 */
export async function updateJob(
  db: Statements,
  which: JobName,
  change: Partial<WholeJob>,
  more: Record<string, Column>,
  { from, fence = null, isPassed = false }: Guard = {},
): Promise<unknown> {
  if (change.requestId) await db.lock(requestLock(change.requestId));
  const columns = { ...columnsOf(change), ...more };
  const [row] = await db.all(
    `UPDATE jobs SET ${assignments(columns)}, ${STAMPED}${isPassed ? ", fence = fence + 1" : ""}
     WHERE job_id = ? AND owner = ? AND state = coalesce(?, state) AND fence = coalesce(?, fence)
     RETURNING *`,
    [...Object.values(columns), which.jobId, which.owner, from ?? null, fence],
  );
  if (row === undefined) return undefined;
  const body = storedBody(change);
  if (Object.keys(body).length > 0) {
    await db.run(`UPDATE job_bodies SET ${assignments(body)} WHERE job_id = ?`, [
      ...Object.values(body),
      which.jobId,
    ]);
  }
  if (change.requestId) await claimRequest(db, which, change.requestId);
  if (change.media) await writeFileWords(db, readRow(row));
  if (change.input) {
    const job = { ...readRow(row), input: change.input };
    await writeJobWords(db, job, await turnPrompt(db, which.jobId));
  }
  return row;
}

export function isMoreThanARow(change: Partial<WholeJob>): boolean {
  return [change.input, change.wire, change.media, change.requestId].some(
    (one) => one !== undefined,
  );
}

/** With the beginning of the prompt beside what is asked for: JSON may have what is no text here. */
function storedBody(change: Partial<WholeJob>): Record<string, Column> {
  const { prompt } = change.input ?? {};
  const shown = typeof prompt === "string" ? prompt.slice(0, LISTED_PROMPT_CHARACTERS) : null;
  return { ...bodyColumnsOf(change), ...(change.input ? { prompt: shown } : {}) };
}

/** Notes whose a request id is: the first job's that had it. */
async function claimRequest(db: Statements, { jobId }: JobName, requestId: string): Promise<void> {
  await db.lock(requestLock(requestId));
  await db.run(
    `UPDATE jobs SET request_claim = request_id WHERE job_id = ?
     AND NOT EXISTS (SELECT 1 FROM jobs AS first WHERE first.request_claim = ?)`,
    [jobId, requestId],
  );
}

/** What is recorded of a turn's task with its job is its beginning. */
async function turnPrompt(db: Statements, jobId: string): Promise<string | undefined> {
  const [row] = await db.all("SELECT prompt FROM chat_turns WHERE job_id = ?", [jobId]);
  return row === undefined ? undefined : promptRow.parse(row).prompt;
}
