import { atMost } from "../core/clock.ts";
import { isFinal, type Job } from "./job.ts";
import type { JobContext } from "./job-context.ts";

const CLEARED_MS = 1_000;

export interface WaitOptions {
  /** How long to wait at most, in milliseconds. */
  ms: number;
  /** Ends the wait, never the job. */
  signal?: AbortSignal | undefined;
  /** What is waited for; by default the job's end. */
  until?: (job: Job) => boolean;
  /** Hears of every change meanwhile. */
  onChange?: (job: Job) => void;
}

/** Waits until a job is as wanted, whichever process brings it there, or until the wait is over. */
export async function waitFor(
  context: Pick<JobContext, "clock" | "events" | "store">,
  job: Job,
  options: WaitOptions,
): Promise<void> {
  const { clock, events, store } = context;
  const until = options.until ?? ((one: Job) => isFinal(one.state));
  await new Promise<void>((resolve) => {
    const over = () => {
      unsubscribe();
      callOff();
      options.signal?.removeEventListener("abort", over);
      resolve();
    };
    const unsubscribe = events.subscribeToJob(job, (changed) => {
      options.onChange?.(changed);
      if (until(changed)) over();
    });
    const callOff = clock.schedule(options.ms, over);
    options.signal?.addEventListener("abort", over, { once: true });
    if (options.signal?.aborted) return over();
    // Listening first and looking second misses nothing.
    store.get(job.owner, job.jobId).then(
      (current) => {
        if (!current || until(current)) over();
      },
      () => over(),
    );
  });
  await cleared(context, job.jobId);
}

/**
 * Waits for what goes with a job's change, so that nothing of an ended one is left when its end is
 * told; not for long, because what hangs is tried again later.
 */
export async function cleared(
  { clock, events }: Pick<JobContext, "clock" | "events">,
  jobId: string,
): Promise<void> {
  const work = events.workOn(jobId);
  if (!work) return;
  await atMost(clock, CLEARED_MS, work);
}
