import { AppError } from "../core/errors.ts";
import type { JobContext } from "./job-context.ts";

/** Of what was recorded at a server that is to end; see `MAX_WAIT_MS` for how long it may wait. */
export const LEFT_TO_OTHERS =
  "This server is shutting down, so another one sends it, or the next that starts within ten minutes. After that it is given up unsent, and costs nothing.";

/**
 * Once the server has been asked to end it sends nothing. What is recorded then is sent by another
 * that shares the record, at once.
 * @throws {cancelled} for a start, where there may be no other
 */
export function refuseIfStopping({
  stopping,
  hasOthers,
}: Pick<JobContext, "stopping" | "hasOthers">): void {
  if (!stopping.aborted || hasOthers) return;
  throw new AppError(
    "cancelled",
    "The server is shutting down and starts nothing new; nothing was sent or bought.",
    { next: "Call again in a moment: jobs that were started go on with the next server." },
  );
}
