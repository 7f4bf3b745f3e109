import { CHAT_OPERATION } from "../chat/chat-operation.ts";
import type { Caller } from "../core/caller.ts";
import { type JobState, UNFINISHED_STATES } from "../jobs/job.ts";
import type { JobQuery } from "../jobs/job-store.ts";
import { OPERATIONS } from "../models/catalogue.ts";
import { readSpan } from "../tools/period.ts";
import { onlyOperation } from "../tools/scopes.ts";
import { readQuery } from "../tools/search-query.ts";

const PAGE = 60;

/** What people tell apart of the states of jobs. */
export const STATE_CHOICES = {
  making: { label: "Being made", states: UNFINISHED_STATES },
  done: { label: "Done", states: ["completed"] },
  doubt: { label: "In doubt", states: ["unknown"] },
  failed: { label: "Failed or cancelled", states: ["failed", "errored", "cancelled"] },
} as const satisfies Record<string, { label: string; states: readonly JobState[] }>;

export const OPERATION_NAMES: readonly string[] = [
  ...OPERATIONS.map(({ name }) => name),
  CHAT_OPERATION,
];

/** What a page of the grid is asked for, as it stands in its address. */
export interface GridWishes {
  q: string;
  operation: string;
  state: string;
  from: string;
  to: string;
  cursor: string | undefined;
}

export function wishesIn(query: URLSearchParams): GridWishes {
  const field = (name: string) => (query.get(name) ?? "").trim();
  return {
    q: field("q"),
    operation: field("operation"),
    state: field("state"),
    from: field("from"),
    to: field("to"),
    cursor: query.get("cursor") ?? undefined,
  };
}

export function isNarrowed({ q, operation, state, from, to }: GridWishes): boolean {
  return [q, operation, state, from, to].some((one) => one !== "");
}

/**
 * What of somebody's jobs is wanted.
 * @returns `undefined` for what they do not see, as for what there is none of.
 * @throws {invalid_input} where a wish cannot be read
 */
export function jobQuery(wishes: GridWishes, caller: Caller, now: number): JobQuery | undefined {
  const { q, operation, state, from, to, cursor } = wishes;
  const only = onlyOperation(caller);
  if (only !== undefined && operation !== "" && operation !== only) return undefined;
  const wanted = operation === "" ? only : operation;
  const choice = Object.entries(STATE_CHOICES).find(([name]) => name === state);
  if (state !== "" && !choice) return undefined;
  const given = (text: string) => (text === "" ? undefined : text);
  return {
    owner: caller.owner,
    words: readQuery(given(q)),
    span: readSpan(given(from), given(to), now),
    states: choice?.[1].states,
    operation: wanted,
    limit: PAGE,
    cursor,
  };
}

/** The address of a page of the grid. */
export function gridPath({ cursor, ...fields }: GridWishes): string {
  const said = Object.entries(fields).filter(([, value]) => value !== "");
  const query = new URLSearchParams([...said, ...(cursor ? [["cursor", cursor]] : [])]);
  return query.size === 0 ? "/" : `/?${query}`;
}
