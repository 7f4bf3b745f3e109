import { AppError } from "../core/errors.ts";

/** @throws {cancelled} for a start, once the server has been asked to end; nothing is sent then. */
export function refuseIfStopping(stopping: AbortSignal): void {
  if (!stopping.aborted) return;
  throw new AppError(
    "cancelled",
    "The server is shutting down and starts nothing new; nothing was sent or bought.",
    { next: "Call again in a moment: jobs that were started go on with the next server." },
  );
}
