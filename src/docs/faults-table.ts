import { describedFaults } from "../sandbox/faults/fault-kinds.ts";
import { code, codes, table } from "./markdown.ts";

/** Every fault of the sandbox: what it strikes, what it does, what can be said of it. */
export function faultsTable(): string {
  return table(
    ["Kind", "Strikes", "What happens", "Options"],
    describedFaults().map(({ kind, group, what, options }) => [
      code(kind),
      STRIKES[group],
      what,
      codes(options),
    ]),
  );
}

const STRIKES: Readonly<Record<ReturnType<typeof describedFaults>[number]["group"], string>> = {
  delay: "any request",
  request: "one request",
  job: "a job of the queue",
  webhook: "a job's webhook",
  sync: "the answer of a synchronous operation",
  stream: "a streamed answer",
  media: "a request for a finished file",
};
