import type { CallToolResult } from "@modelcontextprotocol/server";
import * as z from "zod";
import { isFinal, type Job, type WholeJob } from "../jobs/job.ts";
import type { StartableKind, StartWishes } from "../jobs/job-kind.ts";
import type { Started } from "../jobs/runner.ts";
import type { WaitOptions } from "../jobs/waiting.ts";
import { knownAs } from "../models/facts.ts";
import { type DryRunFacts, dryRunResult } from "./dry-run.ts";
import { presenterOf } from "./presenter-of-job.ts";
import { errorResult } from "./result.ts";
import { checkPlaceAgain, savedAgain } from "./save-again.ts";
import type { Call, Services, ToolDeps } from "./services.ts";
import { DEFAULT_WAIT_SECONDS, waitWords } from "./wait-words.ts";

/** How long a call that does not want to wait gives the provider to say yes or no. */
const ACCEPTANCE_MS = 3_000;
const PROGRESS_EVERY_MS = 2_500;

export function waitSeconds(maxWaitSeconds: number) {
  // A shorter wait does no harm, so what is too long is no reason to refuse.
  return knownAs(z.int().min(0).max(maxWaitSeconds), { clamps: true })
    .optional()
    .describe(waitWords(maxWaitSeconds));
}

/** What every start tool takes beside its own arguments and the limit of its cost. */
export const startArguments = (maxWaitSeconds: number) => ({
  wait_seconds: waitSeconds(maxWaitSeconds),
  save_to: knownAs(z.string().min(1), { reference: "place" }).optional().describe("Folder or file"),
  idempotency_key: z.string().min(1).max(200).optional(),
  force_new: z.boolean().optional().describe("Start another"),
  dry_run: z.boolean().optional().describe("Only check and price"),
});

/** The arguments of all start tools, as they were read. */
export interface StartInput {
  wait_seconds?: number | undefined;
  save_to?: string | undefined;
  idempotency_key?: string | undefined;
  force_new?: boolean | undefined;
  dry_run?: boolean | undefined;
  max_cost_usd?: number | undefined;
}

export function wishesOf(input: StartInput): StartWishes {
  return {
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
    const rehearsal = await services.jobs.rehearse(kind, call.owner, request);
    const { earlier } = rehearsal;
    if (earlier && input.save_to !== undefined) {
      await checkPlaceAgain(services, earlier, input.save_to);
    }
    return dryRunResult(rehearsal, facts, deps.settings);
  }
  const started = await services.jobs.start(kind, call.owner, request);
  const spentMs = deps.clock.elapsed() - startedAt;
  const wishes = { seconds: input.wait_seconds, saveTo: input.save_to, spentMs };
  return answerStart(deps, services, started, call, wishes);
}

/** What a start tool answers about the job that it has started: whatever goes wrong, its id. */
async function answerStart(
  deps: ToolDeps,
  services: Services,
  { job, isDuplicate }: Started,
  call: Call,
  wishes: { seconds: number | undefined; saveTo: string | undefined; spentMs: number },
): Promise<CallToolResult> {
  try {
    const { seconds, saveTo, spentMs } = wishes;
    const again = isDuplicate ? saveTo : undefined;
    if (again !== undefined) await checkPlaceAgain(services, job, again);
    const waited = await waitForJob(deps, services, job, call, seconds, spentMs);
    const result = await finishCall(deps, services, waited, call, isDuplicate);
    return again === undefined ? result : savedAgain(services, waited, again, result);
  } catch (error) {
    deps.log.error({ job: job.jobId, err: error }, "no answer about a started job");
    return errorResult(error, deps.settings, job.jobId);
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
  const tell = () => {
    const elapsed = Math.round((clock.now() - job.createdAt) / 1000);
    const more = presenter.progress(services, job.jobId);
    call.progress(`${job.jobId} ${state}, ${elapsed} s${more}`);
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

/** The answer about a job, noting that its result has been given. */
export async function finishCall(
  deps: ToolDeps,
  services: Services,
  job: WholeJob,
  call: Call,
  isDuplicate = false,
) {
  const { previews, sandbox, program } = deps.settings;
  deps.reached("before-answer");
  const result = await presenterOf(job).result(services, job, {
    previews,
    sandbox,
    now: deps.clock.now(),
    isDuplicate,
    media: services.media,
    heldUpBy: services.jobs.heldUpBy(job.jobId),
    program,
  });
  if (isFinal(job.state)) call.onDelivered(() => services.jobs.markDelivered(job));
  return result;
}

function isTaken(job: Job): boolean {
  return isFinal(job.state) || (job.state !== "queued" && job.state !== "submitting");
}
