import { ageOf, delay } from "../core/clock.ts";
import { AppError, toAppError } from "../core/errors.ts";
import type { SubmitOutcome } from "../gateway/pixazo.ts";
import type { AnyOperation } from "../models/operation.ts";
import type { JobContext } from "./context.ts";
import { canBecome, type Job, type JobBody, type JobPatch, type JobState } from "./job.ts";
import { filesNamed } from "./keeping.ts";
import { errorOf, type MoveContext, moveSurely, surely } from "./moves.ts";

/** How long a job may wait to be taken; after that it is never bought late. */
export const MAX_WAIT_TO_SUBMIT_MS = 600_000;
const FIRST_BACKOFF_MS = 2_000;
const MAX_BACKOFF_MS = 60_000;

/**
 * Buys a queued job: one POST, sent again only after the gateway provably did not take it.
 * @returns the job as it stands then: running, downloading, or ended. `queued` only when the server
 *   is stopping.
 */
export async function submitJob(
  context: JobContext,
  queued: Job,
  operation: AnyOperation,
): Promise<Job> {
  const { store, clock, gateway } = context;
  const ageMs = ageOf(clock, queued.createdAt);
  const isLate = () => ageMs() >= MAX_WAIT_TO_SUBMIT_MS;
  const mayBeSent = () => !isLate() && !context.stopping.aborted;
  let job = queued;
  // Read before anything can be in flight, so that a failure to read is nothing but that.
  const read = () => store.get(queued.owner, queued.jobId);
  const { input = {}, wire } = (await surely(context, queued.jobId, read)) ?? {};
  if (!wire) return queued;
  try {
    // The last moment: whatever would have refused the purchase has had its say.
    await context.hosting.publish(job.jobId, wire);
  } catch (error) {
    const { state, patch } = ended("failed", "none", toAppError(error), clock.now());
    return (await moveSurely(context, job, state, patch)) ?? job;
  }
  for (let tries = 0; ; tries++) {
    // On a full disk this takes long, and what waits too long is not bought any more.
    const submitting = await moveSurely(context, job, "submitting", {}, mayBeSent);
    if (!submitting) {
      const current = (await store.get(job.owner, job.jobId)) ?? job;
      return current.state === "queued" && isLate() ? giveUp(context, current) : current;
    }

    let outcome: SubmitOutcome;
    try {
      context.reached("before-post");
      outcome = await gateway.submit(operation, wire);
      context.reached("after-reply");
    } catch (error) {
      outcome = notSent(error);
    }
    const end = endOf(outcome, { ...submitting, input }, clock.now());
    job =
      (await moveSurely(context, submitting, end.state, end.patch)) ??
      (await settleLate(context, submitting, end)) ??
      submitting;
    context.reached("after-accepted");
    if (outcome.kind !== "not_taken" || job.state !== "queued") return job;

    const left = MAX_WAIT_TO_SUBMIT_MS - ageMs();
    if (!(await pauseBeforeRetry(context, outcome.error, tries, left))) return job;
  }
}

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

/**
 * Another process took the job for lost while its POST was in flight, as happens on a machine that
 * slept. What the gateway has accepted meanwhile is not thrown away.
 */
async function settleLate(
  context: JobContext,
  submitting: Job,
  end: { state: JobState; patch: JobPatch },
): Promise<Job | undefined> {
  const current = await context.store.get(submitting.owner, submitting.jobId);
  if (current?.state !== "unknown" || !canBecome("unknown", end.state)) return undefined;
  return moveSurely(context, current, end.state, {
    ...end.patch,
    charge: submitting.charge,
    completedAt: null,
  });
}

/** A missing setting is found before anything is sent; of any other failure nobody can say that. */
function notSent(thrown: unknown): SubmitOutcome {
  const error = toAppError(thrown);
  return { kind: error.code === "configuration" ? "refused" : "uncertain", error };
}

/** What a purchase's outcome means for the job and its money. */
function endOf(
  outcome: SubmitOutcome,
  job: Job & Pick<JobBody, "input">,
  now: number,
): { state: JobState; patch: JobPatch } {
  switch (outcome.kind) {
    case "accepted":
      return {
        state: "running",
        patch: { requestId: outcome.requestId, acceptedAt: now, error: null, wire: null },
      };
    case "finished":
      return {
        state: "downloading",
        patch: {
          requestId: outcome.requestId ?? null,
          acceptedAt: now,
          ...filesNamed(job, outcome.mediaUrls),
          error: null,
          wire: null,
        },
      };
    case "not_taken":
      return { state: "queued", patch: { error: errorOf(outcome.error) } };
    case "refused":
      return ended("failed", "none", outcome.error, now);
    case "empty":
      return ended("failed", "uncertain", outcome.error, now);
    case "uncertain":
      return ended("unknown", "uncertain", outcome.error, now);
  }
}

function ended(
  state: JobState,
  charge: Job["charge"],
  error: AppError,
  now: number,
): { state: JobState; patch: JobPatch } {
  return { state, patch: { charge, error: errorOf(error), completedAt: now, wire: null } };
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
