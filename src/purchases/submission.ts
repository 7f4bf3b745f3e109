import { ageOf, delay } from "../core/clock.ts";
import { type AppError, toAppError } from "../core/errors.ts";
import type { SubmitOutcome } from "../gateway/pixazo.ts";
import { canBecome, type Job, type JobBody, type JobPatch, type JobState } from "../jobs/job.ts";
import type { Send } from "../jobs/job-kind.ts";
import { MAX_WAIT_MS } from "../jobs/sending.ts";
import { errorOf, moveSurely, surely } from "../jobs/transitions.ts";
import type { AnyOperation } from "../models/operation.ts";
import { filesNamed } from "./keeping.ts";
import type { PurchaseContext } from "./purchase-context.ts";

const PUBLISH_AGAIN_MS = 1_000;

/**
 * Reads what a purchase sends and serves what the provider fetches for it.
 * @param leaving aborts where nothing is to be sent any more.
 * @returns how it is sent; `undefined` for one that cannot be, which has ended if its files are gone,
 *   and for one that is not to be sent any more.
 */
export async function loadPurchase(
  context: PurchaseContext,
  queued: Job,
  operation: AnyOperation | undefined,
  leaving: AbortSignal,
): Promise<Send | undefined> {
  const { store, clock } = context;
  const read = () => store.get(queued.owner, queued.jobId);
  const { input = {}, wire } = (await surely(context, queued.jobId, read)) ?? {};
  if (!operation || !wire) return undefined;
  try {
    if (!(await publish(context, queued, wire, leaving))) return undefined;
  } catch (error) {
    if (leaving.aborted) return undefined;
    const { state, patch } = ended("failed", "none", toAppError(error), clock.now());
    await moveSurely(context, queued, state, patch);
    return undefined;
  }
  return (submitting) => buy(context, { input, ...submitting }, operation, wire);
}

/**
 * Serves what the provider fetches, at the last moment: whatever would have refused the purchase has
 * had its say. A record or a bucket that is away for the moment is no reason to give it up.
 * @returns `false` where it is not to be sent any more before that is done.
 */
async function publish(
  context: PurchaseContext,
  queued: Job,
  wire: object,
  leaving: AbortSignal,
): Promise<boolean> {
  const { hosting, clock, timeScale, events } = context;
  const { owner, jobId } = queued;
  const ageMs = ageOf(clock, queued.createdAt);
  for (;;) {
    try {
      await hosting.publish(owner, jobId, wire);
      events.goesOn(jobId);
      return true;
    } catch (error) {
      const { code, message } = toAppError(error);
      if (code !== "storage" || ageMs() >= MAX_WAIT_MS) throw error;
      if (leaving.aborted) return false;
      events.holdUp(jobId, message);
    }
    await delay(clock, PUBLISH_AGAIN_MS * timeScale, leaving).catch(() => undefined);
    if (leaving.aborted) return false;
  }
}

/** Sends one purchase and records what became of it. */
async function buy(
  context: PurchaseContext,
  submitting: Job & Pick<JobBody, "input">,
  operation: AnyOperation,
  wire: Record<string, unknown>,
): ReturnType<Send> {
  // Who wants to be called themselves is called alone, and the job is looked at.
  const isCalled = operation.kind === "queued" && wire["webhook"] === undefined;
  const webhook = isCalled ? await context.webhooks.next(submitting) : undefined;
  let outcome: SubmitOutcome;
  try {
    context.reached("before-post");
    const send = () => context.gateway.of(submitting.owner).submit(operation, wire, webhook);
    outcome = await context.timings.time("submit", operation.name, send, ({ kind }) => kind);
    context.reached("after-reply");
  } catch (error) {
    outcome = notSent(error);
  }
  const found = await foundMeanwhile(context, submitting);
  if (found) {
    await compare(context, found, outcome);
    return { job: submitting };
  }
  if (outcome.kind === "not_taken") return { notTaken: outcome.error };
  const end = endOf(outcome, submitting, context.clock.now());
  const job =
    (await moveSurely(context, submitting, end.state, end.patch)) ??
    (await settleLate(context, submitting, end)) ??
    submitting;
  context.reached("after-accepted");
  return { job };
}

/**
 * The job, if a webhook led to its request before the answer came. Whoever found it goes on with it.
 */
async function foundMeanwhile(
  { store }: PurchaseContext,
  submitting: Job,
): Promise<Job | undefined> {
  const current = await store.get(submitting.owner, submitting.jobId).catch(() => undefined);
  return current?.requestId && current.state !== "submitting" ? current : undefined;
}

/** What the gateway has accepted beside the request that a webhook led to is told, and not lost. */
async function compare(context: PurchaseContext, found: Job, outcome: SubmitOutcome) {
  const requestId = "requestId" in outcome ? outcome.requestId : undefined;
  if (requestId === undefined || requestId === found.requestId) return;
  context.log.error({ job: found.jobId, requestId }, "a webhook led to another request");
  const warning = `The provider answered with another request than the one that its webhook led to: \`job_status\` with request_id \`${requestId}\` shows it.`;
  await surely(context, found.jobId, async () => {
    const { warnings } = (await context.store.get(found.owner, found.jobId)) ?? found;
    const patch = { warnings: [...warnings, warning] };
    context.events.publish(
      await context.store.patch(found.owner, found.jobId, patch, context.clock.now()),
    );
  });
}

/**
 * Another process took the job for lost while its POST was in flight, as happens on a machine that
 * slept. What the gateway has accepted meanwhile is not thrown away.
 */
async function settleLate(
  context: PurchaseContext,
  submitting: Job,
  end: { state: JobState; patch: JobPatch },
): Promise<Job | undefined> {
  const { owner, jobId } = submitting;
  const current = await surely(context, jobId, () => context.store.get(owner, jobId));
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
  outcome: Exclude<SubmitOutcome, { kind: "not_taken" }>,
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
