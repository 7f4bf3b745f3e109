import type { Job, JobState, WholeJob } from "../../jobs/job.ts";
import {
  assignments,
  bodyColumnsOf,
  type Column,
  columnsOf,
  marks,
  readRow,
} from "../rows/job-rows.ts";
import type { Connection } from "./connection.ts";
import { NEXT_REVISION } from "./revision.ts";
import { expectJobWords, rewriteJobWords } from "./search-rows.ts";

/** A job, and in whose name it is asked for. */
export type JobName = Pick<Job, "owner" | "jobId">;

/** Within a transaction. @returns the row. */
export function insertJob(db: Connection, job: WholeJob, holder: string): unknown {
  const columns = { lease_holder: holder, ...columnsOf(job) };
  const names = Object.keys(columns);
  const [row] = db.all(
    `INSERT INTO jobs (${names.join(", ")}, revision)
     VALUES (${marks(names)}, ${NEXT_REVISION}) RETURNING revision`,
    Object.values(columns),
  );
  const { input = "{}", wire = null } = bodyColumnsOf(job);
  db.run("INSERT INTO job_bodies (job_id, input, wire) VALUES (?, ?, ?)", [job.jobId, input, wire]);
  if (job.requestId !== null) claimRequest(db, job);
  expectJobWords(db, job.jobId);
  return row;
}

/**
 * Changes a job, with what it is found by.
 * @param from the state that it must be in.
 * @returns the row as it is then; `undefined` where there is none to change.
 */
export function updateJob(
  db: Connection,
  which: JobName,
  change: Partial<WholeJob>,
  more: Record<string, Column>,
  from?: JobState,
): unknown {
  const body = bodyColumnsOf(change);
  const isBodyChanged = Object.keys(body).length > 0;
  const update = () => {
    const row = updateRow(db, which, Object.assign(columnsOf(change), more), from);
    if (row === undefined) return undefined;
    if (isBodyChanged) {
      db.run(`UPDATE job_bodies SET ${assignments(body)} WHERE job_id = ?`, [
        ...Object.values(body),
        which.jobId,
      ]);
    }
    if (change.requestId) claimRequest(db, which);
    if (change.media) expectJobWords(db, which.jobId);
    if (change.input) rewriteJobWords(db, { ...readRow(row), input: change.input });
    return row;
  };
  const isMore = isBodyChanged || change.media || change.requestId;
  const row = isMore ? db.transaction(update) : update();
  // What was asked for is only ever changed to forget its words.
  if (change.input) db.scrub();
  return row;
}

/** Notes whose a request id is: the first job's that had it. */
function claimRequest(db: Connection, { jobId }: JobName): void {
  db.run("UPDATE OR IGNORE jobs SET request_claim = request_id WHERE job_id = ?", [jobId]);
}

function updateRow(
  db: Connection,
  { owner, jobId }: JobName,
  columns: Record<string, Column>,
  from: JobState | undefined,
): unknown {
  const [row] = db.all(
    `UPDATE jobs SET ${assignments(columns)}, revision = ${NEXT_REVISION}
     WHERE job_id = ? AND owner = ? AND state = coalesce(?, state) RETURNING *`,
    [...Object.values(columns), jobId, owner, from ?? null],
  );
  return row;
}
