import { ageOf } from "../core/clock.ts";
import { type AppError, toAppError } from "../core/errors.ts";
import type { SubmitOutcome } from "../gateway/pixazo.ts";
import type { JobContext } from "../jobs/context.ts";
import { canBecome, type Job, type JobBody, type JobPatch, type JobState } from "../jobs/job.ts";
import { giveUp, MAX_WAIT_TO_SUBMIT_MS, pauseBeforeRetry } from "../jobs/sending.ts";
import { errorOf, moveSurely, surely } from "../jobs/transitions.ts";
import type { AnyOperation } from "../models/operation.ts";
import { filesNamed } from "./keeping.ts";

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
