import { onAbort } from "../core/aborting.ts";
import { ageOf, delay } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { isFinal, type Job, type JobPatch } from "./job.ts";
import type { JobContext, MoveContext } from "./job-context.ts";
import type { JobKind, Send } from "./job-kind.ts";
import type { Sending, SendingTurns } from "./sending-turns.ts";
import { backoffMs } from "./shared-pause.ts";
import { errorOf, moveSurely, surely } from "./transitions.ts";

/** How long a job may wait to be taken, in milliseconds; after that it is never sent late. */
export const MAX_WAIT_MS = 600_000;

/**
 * Sends a queued job, whatever its kind, when it is its owner's turn: on disk as `submitting` before anything leaves, and sent
 * again only after it was provably not taken. Nothing else in the program sends a job.
 * @param turns shared by all that is sent.
 * @param account for which key of the provider's.
 * @returns the job as it stands then; `queued` only when the server is stopping or it cannot be sent.
 */
export async function sendJob(
  own: JobContext,
  queued: Job,
  kind: JobKind,
  turns: SendingTurns,
  account: string,
): Promise<Job> {
  const { leaving, over } = whileWanted(own, queued);
  const context: MoveContext = { ...own, timeScale: kind.timeScale };
  return sendWanted(context, queued, kind, turns, account, leaving).finally(over);
}

/** @returns what aborts once nothing is to be sent: the job has ended, or the server is stopping. */
function whileWanted(
  { events, stopping }: JobContext,
  job: Job,
): { leaving: AbortSignal; over: () => void } {
  const leaving = new AbortController();
  const release = onAbort(stopping, () => leaving.abort());
  const unsubscribe = events.subscribeToJob(job, ({ state }) => {
    if (isFinal(state)) leaving.abort();
  });
  const over = () => {
    release();
    unsubscribe();
  };
  return { leaving: leaving.signal, over };
}

async function sendWanted(
  context: MoveContext,
  queued: Job,
  kind: JobKind,
  turns: SendingTurns,
  account: string,
  leaving: AbortSignal,
): Promise<Job> {
  const { store, clock, stopping, events } = context;
  const ageMs = ageOf(clock, queued.createdAt);
  const isLate = () => ageMs() >= MAX_WAIT_MS;
  const mayBeSent = () => !isLate() && !stopping.aborted;
  const read = async (job: Job) =>
    (await surely(context, job.jobId, () => store.get(job.owner, job.jobId))) ?? job;

  const send = await kind.load(queued, leaving);
  if (!send) return queued;
  const sending: Sending = {
    ...{ owner: queued.owner, account, timeScale: kind.timeScale, leaving },
    leftMs: () => Math.max(0, MAX_WAIT_MS - ageMs()),
    onPause: (reason) => {
      if (reason) events.holdUp(queued.jobId, reason.message);
      else events.goesOn(queued.jobId);
    },
  };
  let job = queued;
  for (let tries = 0; ; tries++) {
    const waiting = job;
    const tried = await turns.run(sending, async () => {
      // On a full disk this takes long, and what waits too long is not sent any more.
      const submitting = await moveSurely(context, waiting, "submitting", {}, mayBeSent);
      const sent = submitting && (await send(submitting));
      const isTaken = sent !== undefined && "job" in sent;
      return { value: { submitting, sent }, isTaken, refused: rateLimit(sent) };
    });
    const { submitting, sent } = tried ?? {};
    if (!submitting || !sent) {
      const current = await read(job);
      if (current.state !== "queued" || !isLate()) return current;
      return giveUp(context, current, kind, turns.reason(account));
    }
    if ("job" in sent) return sent.job;
    const error = errorOf(sent.notTaken);
    const again = await moveSurely(context, submitting, "queued", { error });
    if (!again) return read(submitting);
    job = again;
    // The pause that all of them make is waited for with the next turn.
    if (rateLimit(sent)) continue;
    if (!(await pause(context, sent.notTaken, tries, MAX_WAIT_MS - ageMs(), leaving))) return job;
  }
}

/** Why a job was not taken, where that is because there were too many. */
function rateLimit(sent: Awaited<ReturnType<Send>> | undefined): AppError | undefined {
  if (!sent || !("notTaken" in sent)) return undefined;
  return sent.notTaken.code === "rate_limited" ? sent.notTaken : undefined;
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
 * @returns `false` where nothing is to be sent any more.
 */
async function pause(
  { clock, timeScale }: MoveContext,
  refusal: AppError,
  tries: number,
  leftMs: number,
  leaving: AbortSignal,
): Promise<boolean> {
  const backoff = backoffMs(tries) * timeScale;
  const wait = Math.max(refusal.retryAfterMs ?? 0, backoff);
  return delay(clock, Math.min(wait, Math.max(0, leftMs)), leaving).then(
    () => true,
    () => false,
  );
}

/** Ends a job that nobody took for as long as it may wait. */
async function giveUp(
  context: MoveContext,
  job: Job,
  kind: JobKind,
  reason: AppError | undefined,
): Promise<Job> {
  const last = job.error ?? reason;
  const refused = last ? ` Last answer: ${last.message}` : "";
  const error = new AppError(
    last?.code ?? "cancelled",
    `The provider did not take the job within ten minutes, so it was given up unsent.${refused}`,
  );
  const now = context.clock.now();
  const cancelled = await moveSurely(context, job, "cancelled", unsent(error, now));
  if (cancelled) await kind.withdrawn(cancelled);
  return cancelled ?? job;
}
