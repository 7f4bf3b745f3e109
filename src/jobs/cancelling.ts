import { AppError } from "../core/errors.ts";
import { isFinal, type Job } from "./job.ts";
import type { JobContext } from "./job-context.ts";
import { type JobKinds, kindOf } from "./job-kind.ts";
import { requireJob } from "./require-job.ts";
import { unsent } from "./sending.ts";
import { errorOf, move } from "./transitions.ts";
import { cleared, waitFor } from "./waiting.ts";

/** The process that holds a job may miss that it was asked, so it is asked again. */
const ASK_EVERY_MS = 1_000;
const TIMES_ASKED = 15;

/** What came of the wish to stop a job. */
export interface Cancellation {
  job: Job;
  /**
   * - `unsent`: nothing had been sent, and nothing will be
   * - `stopped`: it has ended since it was asked to
   * - `asked`: it will end once its process hears of it
   * - `too_late`: it had ended, or runs where nobody can stop it
   */
  came: "unsent" | "stopped" | "asked" | "too_late";
}

/** Whether an unfinished job was asked to end. Whoever holds it hears so by the job's events. */
export function isAskedToStop({ state, error }: Pick<Job, "state" | "error">): boolean {
  return (state === "submitting" || state === "running") && error?.code === "cancelled";
}

/**
 * Ends a job that was not sent yet, and has one stopped whose kind can be, whichever process
 * holds it.
 * @throws {not_found}
 */
export async function cancelJob(
  context: JobContext & { kinds: JobKinds },
  owner: string,
  jobId: string,
): Promise<Cancellation> {
  let job: Job = await requireJob(context.store, owner, jobId);
  for (let asked = 0; asked < TIMES_ASKED; ) {
    if (isFinal(job.state)) return { job, came: asked > 0 ? "stopped" : "too_late" };
    const kind = kindOf(context.kinds, job);
    if (job.state === "queued") {
      const error = new AppError("cancelled", "Cancelled before anything was sent.");
      const cancelled = await move(context, job, "cancelled", unsent(error, context.clock.now()));
      if (cancelled) {
        await kind.withdrawn(cancelled);
        await cleared(context, jobId);
        return { job: cancelled, came: "unsent" };
      }
    } else if (kind.stoppable?.includes(job.state)) {
      asked++;
      await ask(context, job);
      await waitFor(context, job, { ms: ASK_EVERY_MS });
    } else if (asked === 0) {
      return { job, came: "too_late" };
    } else {
      // What had come is being kept.
      asked++;
      await waitFor(context, job, { ms: ASK_EVERY_MS });
    }
    job = await requireJob(context.store, owner, jobId);
  }
  return { job, came: isFinal(job.state) ? "stopped" : "asked" };
}

/** Notes the wish with the job, as long as the job is where it was. */
async function ask({ store, clock, events, log }: JobContext, job: Job): Promise<void> {
  const error = errorOf(new AppError("cancelled", "It was asked to stop."));
  const told = await store.patchWhile(job, { error }, clock.now());
  if (!told) return;
  log.info({ job: job.jobId }, "a job is asked to stop");
  events.publish(told);
}
