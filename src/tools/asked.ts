import type { CallToolResult } from "@modelcontextprotocol/server";
import { type Redact, redactValue } from "../core/redact.ts";
import { oneLine, shortened, visibleJson } from "../core/text.ts";
import type { WholeJob } from "../jobs/job.ts";
import { argumentsOf } from "../jobs/view.ts";

/** The rest is in the job's own view. */
const MAX_CHARACTERS = 1_000;

/** An answer about a job with what was asked under its text, so that it can be asked again. */
export function withArguments(
  result: CallToolResult,
  job: WholeJob,
  redact: Redact,
): CallToolResult {
  const [first, ...others] = result.content;
  if (first?.type !== "text") return result;
  const asked = Object.entries(argumentsOf(job)).map(([name, value]): [string, unknown] => [
    name,
    typeof value === "string" ? oneLine(redact(value)) : redactValue(value, redact),
  ]);
  const line = `Asked: ${job.operation} ${visibleJson(Object.fromEntries(asked), 0)}`;
  const text = beneath(first.text, shortened(line, MAX_CHARACTERS), job);
  return { ...result, content: [{ ...first, text }, ...others] };
}

/** Some hosts show the last lines of an answer only: of a turn, its facts stay the last. */
function beneath(text: string, line: string, { threadId }: WholeJob): string {
  const facts = threadId === null ? -1 : text.lastIndexOf("\n");
  return facts === -1 ? `${text}\n${line}` : `${text.slice(0, facts)}\n${line}${text.slice(facts)}`;
}
