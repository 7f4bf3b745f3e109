import * as z from "zod";
import { isOverdue } from "../../jobs/hosted-need.ts";
import { CHARGES, JOB_STATES } from "../../jobs/job.ts";

const claimRow = z.object({
  owner: z.string(),
  jobId: z.string(),
  holder: z.string(),
  claimedAt: z.number(),
  state: z.enum(JOB_STATES).nullable(),
  charge: z.enum(CHARGES).nullable(),
  updatedAt: z.number().nullable(),
  isDeleted: z.number(),
});

/** Of a row of `hosted_files` with what is known of its job: the job, if it needs nothing any more. */
export function overdueClaim(
  row: unknown,
  now: number,
  isGone: (holder: string) => boolean,
): { owner: string; jobId: string }[] {
  const { owner, jobId, holder, claimedAt, state, charge, updatedAt, isDeleted } =
    claimRow.parse(row);
  const isRecorded = state !== null && charge !== null && updatedAt !== null;
  const job = isRecorded ? { state, charge, updatedAt } : undefined;
  const isOver = isDeleted !== 0 || isOverdue({ holder, claimedAt, job }, now, isGone);
  return isOver ? [{ owner, jobId }] : [];
}
