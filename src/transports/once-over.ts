import type { ServerResponse } from "node:http";

/** Runs something once an answer is over, whether it was given or its client has left. */
export function onceOver(answer: ServerResponse, run: () => void): void {
  if (answer.destroyed) run();
  else answer.once("close", run);
}
