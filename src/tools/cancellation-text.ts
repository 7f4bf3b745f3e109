import { CHAT_OPERATION } from "../chat/chat-operation.ts";
import { message } from "../core/text.ts";
import type { Cancellation } from "../jobs/cancelling.ts";
import { isFinal } from "../jobs/job.ts";
import type { Services } from "./services.ts";

/** What came of the wish to stop a job. */
export async function cancellationText(
  { threads }: Services,
  { job, came }: Cancellation,
  sandbox: boolean,
): Promise<string> {
  const { jobId, owner, state } = job;
  switch (came) {
    case "unsent":
      return `${jobId} is cancelled; nothing was ${sandbox ? "sent" : "sent or charged"}.`;
    case "asked":
      return `${jobId} was asked to stop and is still ${state}: \`job_status\` shows when it has ended.`;
    case "stopped": {
      if (state !== "completed") {
        return `${jobId} is ${state}${job.error ? `: ${message(job.error.message)}` : "."}`;
      }
      const turn = await threads.turn(owner, jobId);
      if (turn?.outcome?.brokeOff === undefined) {
        return `${jobId} had its whole answer before it could be stopped; \`job_status\` shows it.`;
      }
      const { answer } = await threads.said(owner, jobId);
      return `${jobId} is stopped. What had come of its answer, ${answer.length} characters, is kept as partial: \`job_status\` shows it, and ${turn.threadId} goes on with it.`;
    }
    case "too_late": {
      const reason = isFinal(state)
        ? `It already ended as ${state}.`
        : job.operation === CHAT_OPERATION
          ? "Its answer has come and is being kept."
          : "The provider has no way to cancel: the job goes on there, and its result will be kept.";
      return `${jobId} cannot be cancelled: it is ${state}. ${reason}`;
    }
  }
}
