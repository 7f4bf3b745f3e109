import type { CallToolResult } from "@modelcontextprotocol/server";
import * as z from "zod";
import { AppError } from "../core/errors.ts";
import { isFinal, type Job, type WholeJob } from "../jobs/job.ts";
import type { StartableKind, StartWishes } from "../jobs/job-kind.ts";
import type { Started } from "../jobs/runner.ts";
import type { WaitOptions } from "../jobs/waiting.ts";
import { knownAs } from "../models/facts.ts";
import { asAnswer } from "../tasks/task.ts";
import { askedLine } from "./asked.ts";
import { settledByUser, standingInQuestion } from "./doubt.ts";
import { type DryRunFacts, dryRunResult } from "./dry-run.ts";
import { presenterOf } from "./presenter-of-job.ts";
import { progressText } from "./progress-text.ts";
import { errorResult } from "./result.ts";
import { checkPlaceAgain, savedAgain } from "./save-again.ts";
import type { Call, Services, ToolDeps } from "./services.ts";
import type { PreviewWish } from "./shown-pictures.ts";
import { progressOf, usualTimeOf } from "./usual-time.ts";
import { withJobView } from "./viewer-meta.ts";
import { seenBy, sentencesFor, whereaboutsFor } from "./whereabouts.ts";
import { workingTask } from "./working-task.ts";

/** How long a call waits unasked, in seconds. */
const DEFAULT_WAIT_SECONDS = 25;
/** How long a call that does not want to wait gives the provider to say yes or no. */
const ACCEPTANCE_MS = 3_000;
const PROGRESS_EVERY_MS = 2_500;

export function waitSeconds(maxWaitSeconds: number) {
  // A shorter wait does no harm, so what is too long is no reason to refuse.
  return knownAs(z.int().min(0).max(maxWaitSeconds), { clamps: true }).optional();
}

/** Where a caller on this machine wants copies of what will be made. */
export const startPlace = () =>
  z.object({
    save_to: knownAs(z.string().min(1), { reference: "place" })
      .optional()
      .describe("Folder or file"),
  });

/** What every start tool takes beside its own arguments and the limit of its cost. */
export const startArguments = (maxWaitSeconds: number) => ({
  wait_seconds: waitSeconds(maxWaitSeconds),
  idempotency_key: z.string().min(1).max(200).optional(),
  force_new: z.boolean().optional(),
  // Its name says it; every assistant would pay for more words in every start tool.
  dry_run: z.boolean().optional(),
});

/** The arguments of all start tools, as they were read. */
export interface StartInput {
  wait_seconds?: number | undefined;
  save_to?: string | undefined;
  idempotency_key?: string | undefined;
  force_new?: boolean | undefined;
  dry_run?: boolean | undefined;
  max_cost_usd?: number | undefined;
  previews?: PreviewWish | undefined;
}

export function wishesOf(input: StartInput, { asking }: Call): StartWishes {
  return {
    asking,
    saveTo: input.save_to,
    maxCostUsd: input.max_cost_usd,
    idempotencyKey: input.idempotency_key,
    forceNew: input.force_new,
  };
}

/** Starts what is asked for and answers about it; or goes the same way and says what it would be. */
export async function startOrRehearse<R extends StartWishes>(
  deps: ToolDeps,
  services: Services,
  kind: StartableKind<R>,
  request: R,
  facts: DryRunFacts,
  { call, input, startedAt }: { call: Call; input: StartInput; startedAt: number },
): Promise<CallToolResult> {
  if (input.dry_run) {
    const rehearsal = await services.jobs.rehearse(kind, call.caller, request);
    const { earlier } = rehearsal;
    if (earlier && input.save_to !== undefined) {
      await checkPlaceAgain(services, earlier, input.save_to);
    }
    const { say } = sentencesFor(call.caller, deps.settings);
    return dryRunResult(rehearsal, facts, deps.settings, say, call.asking !== undefined);
  }
  return services.waits.during(call.caller, input.wait_seconds, async () => {
    const started =
      (await standingInQuestion(services, call)) ??
      (await services.jobs.start(kind, call.caller, request));
    const spentMs = deps.clock.elapsed() - startedAt;
    return answerStart(deps, services, started, call, { input, spentMs });
  });
}

/** What a start tool answers about the job that it has started: whatever goes wrong, its id. */
async function answerStart(
  deps: ToolDeps,
  services: Services,
  { job, isDuplicate }: Started,
  call: Call,
  { input, spentMs }: { input: StartInput; spentMs: number },
): Promise<CallToolResult> {
  try {
    const { previews } = input;
    const again = isDuplicate ? input.save_to : undefined;
    if (again !== undefined) await checkPlaceAgain(services, job, again);
    const waited = await waitForJob(deps, services, job, call, input.wait_seconds, spentMs);
    if (call.takesTasks && !isFinal(waited.state)) {
      return asAnswer(workingTask(deps, services, waited));
    }
    const { job: looked, note } = isDuplicate
      ? await settledByUser(deps, services, waited, call)
      : { job: waited };
    const wishes = { previews, note, isDuplicate };
    const result = await finishCall(deps, services, looked, call, wishes);
    return again === undefined ? result : savedAgain(services, looked, again, result);
  } catch (error) {
    // Its place may be opened yet, or its charge be settled.
    if (call.asking && error instanceof AppError && error.question) throw error;
    deps.log.error({ job: job.jobId, err: error }, "no answer about a started job");
    const { say } = sentencesFor(call.caller, deps.settings);
    return errorResult(error, deps.settings, say, job.jobId);
  }
}

/** Waits as long as the caller wants, telling how it goes. */
export async function waitForJob(
  deps: ToolDeps,
  services: Services,
  job: Job,
  call: Call,
  seconds: number | undefined,
  alreadySpentMs = 0,
): Promise<WholeJob> {
  const { clock, settings } = deps;
  const wanted = seconds ?? Math.min(DEFAULT_WAIT_SECONDS, settings.maxWaitSeconds);
  const wait: WaitOptions =
    wanted === 0
      ? { ms: ACCEPTANCE_MS, signal: call.signal, until: isTaken }
      : { ms: Math.max(0, wanted * 1000 - alreadySpentMs), signal: call.signal };
  let state = job.state;
  const presenter = presenterOf(job);
  const usual = await usualTimeOf(services, job);
  const tell = () => {
    const ageMs = clock.now() - job.createdAt;
    const more = presenter.progress(services, job.jobId);
    const message = progressText(job, state, ageMs, usual, more);
    call.progress(message, usual && progressOf(ageMs, usual));
  };
  let callOff = () => {};
  const tick = () => {
    tell();
    callOff = clock.schedule(PROGRESS_EVERY_MS, tick);
  };
  tick();
  try {
    return await services.jobs.wait(job, {
      ...wait,
      onChange: (changed) => {
        state = changed.state;
        tell();
      },
    });
  } finally {
    callOff();
  }
}

/** What a call says about its answer. */
export interface AnswerWishes {
  previews: PreviewWish | undefined;
  /** An earlier, identical call has started the job. */
  isDuplicate?: boolean;
  /** It only looks, and may do so again and again. */
  isLook?: boolean;
  /** What its person has said to it, or can. */
  note?: string | undefined;
}

/** The answer about a job, noting what of it has been told once it has left. */
export async function finishCall(
  deps: ToolDeps,
  services: Services,
  job: WholeJob,
  call: Call,
  { previews: wish, isDuplicate = false, isLook = false, note }: AnswerWishes,
) {
  const { previews, sandbox, program } = deps.settings;
  const isOver = isFinal(job.state);
  const usual = isOver ? undefined : await usualTimeOf(services, job);
  deps.reached("before-answer");
  const where = await whereaboutsFor(call.caller, deps.settings, services.links);
  const heldUpBy = services.jobs.heldUpBy(job.jobId);
  const result = await presenterOf(job).result(services, seenBy(where, job), {
    previews,
    wish,
    // Who has just asked the delegate knows it; it is told where it is looked at.
    ...((isLook || job.threadId === null) && { asked: askedLine(job, deps.redact) }),
    isSecondLook: isLook && call.seen?.has(job.jobId),
    sheetOf: (one) => services.purchases.sheetOf(one),
    sandbox,
    now: deps.clock.now(),
    isDuplicate,
    note,
    media: services.media,
    heldUpBy: heldUpBy && where.say(heldUpBy),
    where,
    usual,
    program,
    isServed: (url) => services.isServed(job, url),
  });
  call.onDelivered(async () => {
    if (isOver) call.seen?.add(job.jobId);
    await services.jobs.markDelivered(job);
  });
  return withJobView(result, job, call, deps, services, usual);
}

function isTaken(job: Job): boolean {
  return isFinal(job.state) || (job.state !== "queued" && job.state !== "submitting");
}
