import * as z from "zod";
import { CHAT_OPERATION } from "../chat/chat-operation.ts";
import { formatUsd } from "../core/money.ts";
import type { Redact } from "../core/redact.ts";
import { oneLine } from "../core/text.ts";
import { JOB_STATES } from "../jobs/job.ts";
import type { ListedJob } from "../jobs/job-store.ts";
import { listedFiles } from "../jobs/made-files.ts";
import { OPERATIONS } from "../models/catalogue.ts";
import { knownAs } from "../models/facts.ts";
import { DEFAULT_PAGE, pageArguments } from "./paging.ts";
import { readSpan } from "./period.ts";
import { structuredResult } from "./result.ts";
import { onlyOperation } from "./scopes.ts";
import { readQuery } from "./search-query.ts";
import type { ToolDeps } from "./services.ts";
import { defineTool, type Tool } from "./tool.ts";
import { withViewerMeta } from "./viewer-meta.ts";

/** How much of a prompt a row shows. */
const PROMPT_CHARACTERS = 80;

const rowSchema = z.looseObject({
  job_id: z.string(),
  created_at: z.string(),
  operation: z.string(),
  state: z.string(),
  prompt: z.string().nullable(),
  files: z.number(),
  cost_usd: z.number().nullable(),
});

/** Finds jobs again: a line for each, and what each has is in its own view. */
export function jobListTool(deps: ToolDeps): Tool {
  return defineTool(deps, {
    name: "job_list",
    title: "Find jobs",
    description:
      "Find, search or show earlier (previous, recent) jobs, results and pictures, newest first: prompts, days, costs.",
    searchHint:
      "history of what was generated, made last week or yesterday, list recent generations, my past images, find an old picture by its prompt, gallery",
    kind: "read",
    isViewed: true,
    input: () =>
      z.object({
        query: z.string().optional().describe("Words of prompts, operations, file names"),
        since: z.string().optional().describe("2026-11-20, today, 7d, last week"),
        until: z.string().optional().describe("Last day"),
        state: z.enum(JOB_STATES).optional(),
        operation: knownAs(
          z.enum([...OPERATIONS.map((operation) => operation.name), CHAT_OPERATION]),
          { namesTools: true },
        )
          .optional()
          .describe("A start tool"),
        ...pageArguments(),
      }),
    output: () => z.looseObject({ jobs: z.array(rowSchema), next_cursor: z.string().optional() }),
    async run({ query, since, until, state, operation, limit, cursor }, call) {
      const words = readQuery(query);
      const span = readSpan(since, until, deps.clock.now());
      const { jobs } = await deps.services.get();
      const only = onlyOperation(call.caller);
      const isSeen = operation === undefined || only === undefined || operation === only;
      const page = await jobs.list({
        owner: call.caller.owner,
        words,
        span,
        states: state === undefined ? undefined : [state],
        operation: only ?? operation,
        limit: limit ?? DEFAULT_PAGE,
        cursor,
      });
      const rows = (isSeen ? page.jobs : []).map((job) => rowOf(job, deps.redact));
      const next = isSeen ? page.nextCursor : undefined;
      const isNarrowed = [query, since, until, state, operation, cursor].some(
        (one) => one !== undefined,
      );
      const lines = [
        ...(rows.length === 0 ? [isNarrowed ? "No such job." : "There are no jobs yet."] : []),
        ...rows.map(rowLine),
        ...(next === undefined ? [] : [`next_cursor: ${next}`]),
        ...(deps.settings.sandbox && rows.length > 0 ? ["SANDBOX, nothing was charged."] : []),
      ];
      const data = { jobs: rows, ...(next === undefined ? {} : { next_cursor: next }) };
      return withViewerMeta(structuredResult(lines.join("\n"), data), call, { jobs: rows });
    },
  });
}

export type JobRow = z.output<typeof rowSchema>;

export function rowOf(job: ListedJob, redact: Redact): JobRow {
  return {
    job_id: job.jobId,
    created_at: new Date(job.createdAt).toISOString(),
    operation: job.operation,
    state: job.state,
    prompt: job.prompt === null ? null : oneLine(redact(job.prompt), PROMPT_CHARACTERS),
    files: listedFiles(job).length,
    cost_usd: job.costUsd,
  };
}

/** Addresses and paths are in the job: a list of them would cost more than what they are for. */
export function rowLine(row: JobRow): string {
  const { job_id, created_at, operation, state, prompt, files, cost_usd } = row;
  return [
    job_id,
    created_at.slice(0, 16).replace("T", " "),
    operation,
    state,
    ...(prompt === null ? [] : [JSON.stringify(prompt)]),
    ...(files === 0 ? [] : [files === 1 ? "1 file" : `${files} files`]),
    ...(cost_usd === null ? [] : [formatUsd(cost_usd)]),
  ].join(" ");
}
