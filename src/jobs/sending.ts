import { ageOf, delay } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { FairGate } from "../core/fair-gate.ts";
import type { Job, JobPatch } from "./job.ts";
import type { JobContext, MoveContext } from "./job-context.ts";
import type { JobKind } from "./job-kind.ts";
import { errorOf, moveSurely, surely } from "./transitions.ts";

/** How long a job may wait to be taken; after that it is never sent late. */
const MAX_WAIT_MS = 600_000;
const FIRST_BACKOFF_MS = 2_000;
const MAX_BACKOFF_MS = 60_000;

/** How many requests may be under way at a time, of all owners; one alone gets 256. */
export const MAX_CONCURRENT_SUBMITS = 288;

/**
 * Sends a queued job, whatever its kind, when it is its owner's turn: on disk as `submitting` before anything leaves, and sent
 * again only after it was provably not taken. Nothing else in the program sends a job.
 * @param turns shared by all that is sent.
 * @returns the job as it stands then; `queued` only when the server is stopping or it cannot be sent.
 */
export async function sendJob(
  own: JobContext,
  queued: Job,
  kind: JobKind,
  turns: FairGate,
): Promise<Job> {
  const context: MoveContext = { ...own, timeScale: kind.timeScale };
  const { store, clock, stopping } = context;
  const ageMs = ageOf(clock, queued.createdAt);
  const isLate = () => ageMs() >= MAX_WAIT_MS;
  const mayBeSent = () => !isLate() && !stopping.aborted;
  const read = async (job: Job) =>
    (await surely(context, job.jobId, () => store.get(job.owner, job.jobId))) ?? job;

  const send = await kind.load(queued);
  if (!send) return queued;
  let job = queued;
  for (let tries = 0; ; tries++) {
    const waiting = job;
    const { submitting, sent } = await turns.run(queued.owner, async () => {
      // On a full disk this takes long, and what waits too long is not sent any more.
      const moved = await moveSurely(context, waiting, "submitting", {}, mayBeSent);
      return { submitting: moved, sent: moved && (await send(moved)) };
    });
    if (!submitting || !sent) {
      const current = await read(job);
      return current.state === "queued" && isLate() ? giveUp(context, current, kind) : current;
    }
    if ("job" in sent) return sent.job;
    const error = errorOf(sent.notTaken);
    const again = await moveSurely(context, submitting, "queued", { error });
    if (!again) return read(submitting);
    job = again;
    if (!(await pause(context, sent.notTaken, tries, MAX_WAIT_MS - ageMs()))) return job;
  }
}

/** Why a job that an earlier process left `queued` is not sent any more, if it is too late. */
export function tooLateToSend(job: Job, now: number): AppError | undefined {
  if (job.state !== "queued" || now - job.createdAt < MAX_WAIT_MS) return undefined;
  return new AppError(
    "cancelled",
    "It was recorded but not sent when the server stopped, more than ten minutes ago.",
  );
}

/** What is recorded of a job that ends before anything was sent. */
export function unsent(error: AppError, now: number): JobPatch {
  return { charge: "none", error: errorOf(error), completedAt: now, wire: null };
}

/**
 * Waits before a refused job is sent again: longer each time, as long as the provider wishes, and
 * no longer than `leftMs`.
 * @returns `false` when the server is stopping.
 */
async function pause(
  { clock, timeScale, stopping }: MoveContext,
  refusal: AppError,
  tries: number,
  leftMs: number,
): Promise<boolean> {
  const backoff = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries) * timeScale;
  const wait = Math.max(refusal.retryAfterMs ?? 0, backoff);
  return delay(clock, Math.min(wait, Math.max(0, leftMs)), stopping).then(
    () => true,
    () => false,
  );
}

/** Ends a job that nobody took for as long as it may wait. */
async function giveUp(context: MoveContext, job: Job, kind: JobKind): Promise<Job> {
  const refused = job.error ? ` Last answer: ${job.error.message}` : "";
  const error = new AppError(
    job.error?.code ?? "cancelled",
    `The provider did not take the job within ten minutes, so it was given up unsent.${refused}`,
  );
  const now = context.clock.now();
  const cancelled = await moveSurely(context, job, "cancelled", unsent(error, now));
  if (cancelled) await kind.withdrawn(cancelled);
  return cancelled ?? job;
}
