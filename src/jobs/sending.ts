import { delay } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { JobContext } from "./context.ts";
import type { Job, JobPatch } from "./job.ts";
import { errorOf, type MoveContext, moveSurely } from "./transitions.ts";

/** How long a job may wait to be taken; after that it is never bought late. */
export const MAX_WAIT_TO_SUBMIT_MS = 600_000;
const FIRST_BACKOFF_MS = 2_000;
const MAX_BACKOFF_MS = 60_000;

/**
 * Waits before a refused job is sent again: longer each time, as long as the provider wishes, and
 * no longer than `leftMs`.
 * @returns `false` when the server is stopping.
 */
export async function pauseBeforeRetry(
  context: Pick<JobContext, "clock" | "timeScale" | "stopping">,
  refusal: AppError,
  tries: number,
  leftMs: number,
): Promise<boolean> {
  const { clock, timeScale, stopping } = context;
  const backoff = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries) * timeScale;
  const wait = Math.max(refusal.retryAfterMs ?? 0, backoff);
  return delay(clock, Math.min(wait, Math.max(0, leftMs)), stopping).then(
    () => true,
    () => false,
  );
}

/** Ends a job that nobody took for as long as it may wait. */
export async function giveUp(context: MoveContext, job: Job): Promise<Job> {
  const refused = job.error ? ` Last answer: ${job.error.message}` : "";
  const error = new AppError(
    job.error?.code ?? "cancelled",
    `The provider did not take the job within ten minutes, so it was given up unsent.${refused}`,
  );
  const patch: JobPatch = {
    charge: "none",
    error: errorOf(error),
    completedAt: context.clock.now(),
    wire: null,
  };
  return (await moveSurely(context, job, "cancelled", patch)) ?? job;
}
