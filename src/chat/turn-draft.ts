import type { Caller } from "../core/caller.ts";
import { AppError } from "../core/errors.ts";
import { newJobId, newThreadId } from "../core/ids.ts";
import { oneLine } from "../core/text.ts";
import type { Draft, JobPlan, StartWishes } from "../jobs/job-kind.ts";
import { NO_LIMITS } from "../jobs/record.ts";
import { attachable } from "./attachable.ts";
import type { Keeper } from "./attachment-reader.ts";
import { type Attached, attachFiles } from "./attachments.ts";
import type { ChatContext } from "./chat-context.ts";
import { CHAT_OPERATION } from "./chat-operation.ts";
import { earlierText } from "./earlier-text.ts";
import { fitTurn } from "./fitting.ts";
import { pastOf } from "./history.ts";
import type { TurnRequest } from "./thread.ts";
import { outlineTurn } from "./turn-outline.ts";
import { setAsideUsd } from "./turn-price.ts";

const TITLE_CHARACTERS = 80;
const RECORDED_CHARACTERS = 200;

export interface TurnArguments extends Omit<TurnRequest, "model">, StartWishes {
  model?: string | undefined;
  threadId?: string | undefined;
  files?: readonly string[] | undefined;
}

/** Files are read for it, and that is all. */
const NOWHERE: Keeper = { attach: async () => {}, detach: async () => {} };

/**
 * Reads what a turn attaches and makes a job of it. Nothing of it stays behind if it throws.
 * @throws {invalid_input | not_found} for files that cannot be attached
 */
export async function draftTurn(
  context: ChatContext,
  caller: Caller,
  given: TurnArguments,
  isRehearsal: boolean,
): Promise<Draft> {
  const { owner } = caller;
  const { threads, defaultModel } = context;
  const { threadId: continued, files: patterns = [], saveTo, ...wishes } = given;
  const { idempotencyKey: _key, forceNew: _new, maxCostUsd: _max, asking: _a, ...asked } = wishes;
  const jobId = newJobId();
  const threadId = continued ?? newThreadId();
  const request = withoutUnset({ ...asked, model: asked.model ?? defaultModel });
  const takeBack = async () => {
    if (!isRehearsal) await threads.takeBack(owner, jobId);
  };
  let attached: Attached;
  let reservedUsd: number;
  try {
    const keeper = isRehearsal ? NOWHERE : threads;
    attached = await attach(context, caller, { jobId, threadId, patterns }, keeper);
    const turn = { threadId, request, files: attached.files, mayAsk: !isRehearsal };
    reservedUsd = await setAsideUsd(context, owner, turn);
  } catch (error) {
    await takeBack();
    throw error;
  }
  const { files, all, warnings } = attached;
  let leftOut: number[] = [];
  const plan: JobPlan = {
    jobId,
    operation: CHAT_OPERATION,
    threadId,
    input: {
      prompt: oneLine(request.prompt, RECORDED_CHARACTERS),
      model: request.model,
      thread_id: threadId,
      ...(patterns.length > 0 ? { files: patterns } : {}),
    },
    wire: null,
    identity: { request, thread: continued ?? null, files: all },
    saveTo: saveTo ?? null,
    charge: reservedUsd > 0 ? "reserved" : "none",
    reservedUsd,
    warnings,
  };
  return {
    plan,
    limits: { ...NO_LIMITS, ...context.caps },
    async check() {
      if (saveTo !== undefined) {
        await context.media.checkRoom(owner, "text", 1);
        await context.saving.check(saveTo, "text", 1);
      }
      const past = await pastOf(threads, owner, threadId, Number.MAX_SAFE_INTEGER);
      const client = context.client.of(owner);
      const fitting = { ...context, client, mayAsk: !isRehearsal };
      leftOut = await fitTurn(fitting, request, files, past);
      if (leftOut.length > 0) {
        warnings.push(
          `${leftOut.length} of the thread's oldest turns no longer fit and were left out.`,
        );
      }
      const busyWith = await threads.busyWith(owner, threadId, context.clock.now());
      if (busyWith !== undefined) throw busy(threadId, busyWith);
    },
    outline: () => outlineTurn(context, owner, { threadId, request, files, leftOut }),
    async keep() {
      if (saveTo !== undefined) await context.media.makeRoom(owner);
      await beginTurn(context, owner, { jobId, threadId, request, leftOut });
    },
    async over(isRecorded) {
      if (!isRecorded) await takeBack();
    },
  };
}

async function attach(
  context: ChatContext,
  caller: Caller,
  turn: { jobId: string; threadId: string; patterns: readonly string[] },
  keeper: Keeper,
): Promise<Attached> {
  const { owner, isRemote } = caller;
  const { threads, places, clock } = context;
  if (turn.patterns.length === 0) return { files: [], all: [], warnings: [] };
  const known = await threads.files(owner, turn.threadId);
  const now = clock.now();
  const findEarlier = async (reference: string) =>
    attachable(await earlierText(reference, caller, context), places);
  return attachFiles(keeper, { owner, isRemote, ...turn, places, findEarlier, known, now });
}

/**
 * Adds a turn to its thread.
 * @throws {invalid_input} while the thread's last turn is under way
 */
async function beginTurn(
  { threads, clock }: ChatContext,
  owner: string,
  turn: { jobId: string; threadId: string; request: TurnRequest; leftOut: number[] },
): Promise<void> {
  const { jobId, threadId, request, leftOut } = turn;
  const { busyWith } = await threads.begin(owner, {
    jobId,
    threadId,
    request: leftOut.length === 0 ? request : { ...request, leftOut },
    title: oneLine(request.prompt, TITLE_CHARACTERS),
    now: clock.now(),
  });
  if (busyWith !== undefined) throw busy(threadId, busyWith);
}

function busy(threadId: string, jobId: string): AppError {
  return new AppError("invalid_input", `${threadId} is still being answered in ${jobId}.`, {
    next: `Wait for it with \`job_status\`, job_id "${jobId}", or begin a new thread without thread_id. Nothing was sent.`,
  });
}

function withoutUnset<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> };
function withoutUnset(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}
