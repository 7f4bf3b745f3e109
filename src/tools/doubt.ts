import { CHAT_OPERATION } from "../chat/chat-operation.ts";
import { AppError } from "../core/errors.ts";
import { settlePath } from "../core/open-page.ts";
import { isFinal, type WholeJob } from "../jobs/job.ts";
import type { Started } from "../jobs/runner.ts";
import { jobInQuestion, settleQuestion, verdictOf } from "../jobs/settle-question.ts";
import { mayChange } from "./scopes.ts";
import type { Call, Services, ToolDeps } from "./services.ts";

/** A job that was looked at, and what its person has said about its charge, or can. */
export interface LookedAt {
  job: WholeJob;
  note?: string;
}

const OPENED =
  "A page has been opened in the user's browser, on which they can say whether it was charged. Ask them to look there; then call `job_status` again.";

/**
 * Lets a person settle what nobody knows of a job that an assistant has looked at: by a question
 * where the client shows it, else on a page that opens in their browser. No argument of a call does.
 * @throws {outcome_unknown} with the question, where the call is to be run again with its answer
 */
export async function settledByUser(
  deps: Pick<ToolDeps, "openPage" | "settings">,
  { jobs }: Pick<Services, "jobs">,
  job: WholeJob,
  { asking, caller }: Pick<Call, "asking" | "caller">,
): Promise<LookedAt> {
  const isOpen = job.charge === "uncertain" && isFinal(job.state);
  if (!isOpen || !mayChange(caller, job)) return { job };
  if (!asking) {
    // In the sandbox there is no console to look into, and nothing that is worth a page.
    const mayOpen = !caller.isRemote && !deps.settings.sandbox;
    const isOpened = mayOpen && (await deps.openPage?.(settlePath(job.jobId)));
    return isOpened ? { job, note: OPENED } : { job };
  }
  const question = settleQuestion(job, providerOf(job));
  const chosen = asking.agreed.get(question.key);
  if (chosen === undefined) {
    const said = asking.passed.get(question.key);
    if (said === undefined) {
      const message = `Nobody knows whether ${job.jobId} was charged.`;
      throw new AppError("outcome_unknown", message, { question });
    }
    return said === "" ? { job } : { job, note: `${said} Whether it was charged stays open.` };
  }
  const verdict = verdictOf(chosen);
  if (!verdict) {
    return { job, note: "The user was asked whether it was charged, and decides that later." };
  }
  await jobs.settle(caller.owner, job.jobId, verdict);
  const was = verdict === "spent" ? "it was charged" : "it was not charged";
  return {
    job: await jobs.get(caller.owner, job.jobId),
    note: `The user was asked, and has settled it: ${was}.`,
  };
}

/**
 * The job that stands for a start while its person is asked about that job, and after: however long
 * they take and whatever they say, the start that brought the question up buys nothing.
 * @returns `undefined` for every other start. @throws {not_found}
 */
export async function standingInQuestion(
  { jobs }: Pick<Services, "jobs">,
  { asking, caller }: Pick<Call, "asking" | "caller">,
): Promise<Started | undefined> {
  const jobId = asking && jobInQuestion(asking);
  if (jobId === undefined) return undefined;
  return { job: await jobs.get(caller.owner, jobId), isDuplicate: true };
}

function providerOf({ operation }: WholeJob): string {
  return operation === CHAT_OPERATION ? "LongCat" : "Pixazo";
}
