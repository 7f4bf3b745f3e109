import { CHAT_OPERATION } from "../chat/chat-operation.ts";
import { isFinal, type Job, type JobState } from "../jobs/job.ts";
import { operationNamed } from "../models/catalogue.ts";
import { roughly, type UsualTime } from "./usual-time.ts";

/**
 * How a job goes, as a line that hosts show while a call lasts: `Generating, 12 s of about 20 s`.
 * @param more what else is known, beginning with a comma
 */
export function progressText(
  { operation }: Pick<Job, "operation">,
  state: JobState,
  ageMs: number,
  usual: UsualTime | undefined,
  more: string,
): string {
  return `${doing(operation, state)}, ${time(ageMs, isFinal(state) ? undefined : usual)}${more}`;
}

function doing(operation: string, state: JobState): string {
  switch (state) {
    case "queued":
      return "Waiting to be sent";
    case "submitting":
      return "Sending";
    case "running":
      return working(operation);
    case "downloading":
      return operation === CHAT_OPERATION ? "Keeping the answer" : "Fetching files";
    case "completed":
      return "Done";
    case "unknown":
      return "Outcome unknown";
    default:
      return state === "cancelled" ? "Cancelled" : "Failed";
  }
}

function working(operation: string): string {
  if (operation === CHAT_OPERATION) return "Answering";
  return operationNamed(operation)?.media === "weights" ? "Training" : "Generating";
}

/** Whoever waits longer than usual is told what is usual. */
function time(ageMs: number, usual: UsualTime | undefined): string {
  const seconds = `${Math.round(ageMs / 1000)} s`;
  if (!usual) return seconds;
  return ageMs <= usual.ms
    ? `${seconds} of about ${roughly(usual.ms)}`
    : `${seconds}, usually ${roughly(usual.ms)}`;
}
