import { AppError } from "../core/errors.ts";
import type { JobContext } from "./job-context.ts";

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
