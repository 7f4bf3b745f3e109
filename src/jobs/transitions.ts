import { delay } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { isOver, withoutWords } from "./forgotten-words.ts";
import type { Job, JobPatch, JobState } from "./job.ts";
import type { JobContext, MoveContext } from "./job-context.ts";
import type { Transition } from "./job-store.ts";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Moves a job on and tells everyone.
 * @param more as a {@link Transition} has it.
 * @returns `undefined` when someone else was faster.
 */
export async function move(
  context: JobContext,
  job: Job,
  state: JobState,
  patch: JobPatch,
  more: Pick<Transition, "isFound"> = {},
): Promise<Job | undefined> {
  const { store, holder, clock } = context;
  const kept = await withWhatIsKept(context, job, state, patch);
  const step = { from: job.state, to: state, patch: kept, now: clock.now(), holder, ...more };
  const moved = await store.transition(job.owner, job.jobId, step);
  if (moved) {
    context.log.info({ job: moved.jobId, from: job.state, to: state }, "job moved");
    context.events.publish(moved);
  }
  return moved;
}

/** A patch that also forgets, where no prompts are kept, what was asked of a job that is over. */
async function withWhatIsKept(
  { store, keepsPrompts }: JobContext,
  job: Job,
  state: JobState,
  patch: JobPatch,
): Promise<JobPatch> {
  const then = { ...job, ...patch, state };
  if (keepsPrompts || !isOver(then)) return patch;
  const whole = await store.get(job.owner, job.jobId);
  return whole ? { ...patch, ...withoutWords({ ...then, input: whole.input }) } : patch;
}

/**
 * As {@link move}, for what must not be forgotten because a disk is full for a while: the gateway's
 * answer to a purchase exists nowhere else.
 * @param isWanted asked before each try; `undefined` is returned once it is not.
 */
export async function moveSurely(
  context: MoveContext,
  job: Job,
  state: JobState,
  patch: JobPatch,
  isWanted: () => boolean = () => true,
): Promise<Job | undefined> {
  const known = { state, requestId: patch.requestId };
  const tryMove = async () => (isWanted() ? move(context, job, state, patch) : undefined);
  return surely(context, job.jobId, tryMove, known);
}

/** Writes what a job has come to. Tries until it is written or the server stops. */
export async function surely<T>(
  context: MoveContext,
  jobId: string,
  write: () => Promise<T>,
  known: object = {},
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await write();
    } catch (error) {
      const canWait = error instanceof AppError && error.code === "storage";
      context.log.error({ job: jobId, ...known, err: error }, "a job's change cannot be recorded");
      if (!canWait || context.stopping.aborted) throw error;
      context.events.holdUp(jobId, error.message);
    }
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) * context.timeScale;
    // Stopping ends the pause early, for a last try.
    await delay(context.clock, pause, context.stopping).catch(() => undefined);
  }
}

export function errorOf(error: AppError): NonNullable<Job["error"]> {
  return { code: error.code, message: error.message };
}
