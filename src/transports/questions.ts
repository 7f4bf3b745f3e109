import type { RequestId } from "@modelcontextprotocol/server";

/** Longer than what any client tells of itself with each request. */
export const MAX_QUESTION_CHARACTERS = 4_096;

/** A request without its id, and what its answer depends on beside its own words. */
export interface Question {
  id: RequestId;
  text: string;
  /** The same question with the same mark has the same answer. */
  mark: string | number;
  /** Whether the mark still is the same. */
  isCurrent(): boolean;
}

/**
 * Says what the answer to a request depends on beside its words and its caller: a mark that stays
 * the same as long as the answer does.
 * @returns `undefined` where the next answer may be another one.
 */
export type MarkOf = (method: string, params: unknown) => string | number | undefined;

/**
 * What is asked by a message.
 * @returns `undefined` for what is no request as JSON-RPC has it, and for one whose answer may be
 *   another one the next time.
 */
export function questionOf(message: unknown, markOf: MarkOf): Question | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  if (!("method" in message && "id" in message)) return undefined;
  const { id, ...asked } = message;
  if (!isId(id) || typeof asked.method !== "string") return undefined;
  const { method } = asked;
  const markNow = () => markOf(method, "params" in asked ? asked.params : undefined);
  const mark = markNow();
  if (mark === undefined) return undefined;
  const text = JSON.stringify(asked);
  if (text.length > MAX_QUESTION_CHARACTERS) return undefined;
  return { id, text, mark, isCurrent: () => markNow() === mark };
}

/**
 * What stands before and after the id in the text of an answer.
 * @returns `undefined` for what is no good answer to a request of this id.
 */
export function aroundId(text: string, id: RequestId): [string, string] | undefined {
  const answer: unknown = JSON.parse(text);
  if (typeof answer !== "object" || answer === null || !("result" in answer)) return undefined;
  const fields = Object.entries(answer).filter(([, value]) => value !== undefined);
  const at = fields.findIndex(([name, value]) => name === "id" && value === id);
  const written = fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const before = `{${written
    .slice(0, at)
    .map((field) => `${field},`)
    .join("")}"id":`;
  const after = `${written
    .slice(at + 1)
    .map((field) => `,${field}`)
    .join("")}}`;
  return `${before}${JSON.stringify(id)}${after}` === text ? [before, after] : undefined;
}

function isId(id: unknown): id is RequestId {
  return typeof id === "string" || Number.isSafeInteger(id);
}
