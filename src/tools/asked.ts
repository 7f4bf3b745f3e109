import { type Redact, redactValue } from "../core/redact.ts";
import { oneLine, shortened, visibleJson } from "../core/text.ts";
import type { WholeJob } from "../jobs/job.ts";
import { argumentsOf } from "../jobs/view.ts";

/** The rest is in the job's own view. */
const MAX_CHARACTERS = 1_000;

/** What was asked of a job in one line, so that it can be asked again. */
export function askedLine(job: WholeJob, redact: Redact): string {
  const asked = Object.entries(argumentsOf(job)).map(([name, value]): [string, unknown] => [
    name,
    typeof value === "string" ? oneLine(redact(value)) : redactValue(value, redact),
  ]);
  const line = `Asked: ${job.operation} ${visibleJson(Object.fromEntries(asked), 0)}`;
  return shortened(line, MAX_CHARACTERS);
}
