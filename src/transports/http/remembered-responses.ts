import type { Caller } from "../../core/caller.ts";
import { aroundId, type MarkOf, type Question, questionOf } from "../questions.ts";

/** All of them together hold some megabytes at most. */
const MOST_REMEMBERED = 64;
const MAX_KEY_CHARACTERS = 8_192;
/**
 * What differs from request to request and is for nobody who answers, and what has said who calls.
 */
const PASSED_OVER: ReadonlySet<string> = new Set([
  "authorization",
  "content-length",
  "traceparent",
  "tracestate",
]);
/** An event of a stream that has no other, which is what the library answers earlier revisions. */
const ONE_EVENT = /^event: message\ndata: (\{.*\})\n\n$/;

/** What is asked over HTTP: the message, by whom, and how. */
export interface Asked {
  caller: Caller;
  /** The path and query. */
  url: string;
  /** Names and values by turns, as they came. */
  rawHeaders: readonly string[];
  message: unknown;
}

/** An answer around the id of its request. */
interface Remembered {
  mark: Question["mark"];
  before: string;
  after: string;
  headers: [string, string][];
}

/**
 * Answers over HTTP that stay as they are. A client sends the same headers with all its requests, so
 * once the library has answered one of them, having checked everything there is to check, the same
 * request of the same caller gets the same bytes. Whatever differs in it, in any header, is a request
 * that the library answers.
 */
export class RememberedResponses {
  readonly #markOf: (caller: Caller) => MarkOf;
  readonly #answers = new Map<string, Remembered>();

  /** @param markOf what answers to a caller depend on */
  constructor(markOf: (caller: Caller) => MarkOf) {
    this.#markOf = markOf;
  }

  /**
   * Answers what is known, and has everything else answered.
   * @param otherwise has the library answer, whose answer is remembered if it is one that stays.
   */
  async answer(asked: Asked, otherwise: () => Promise<Response>): Promise<Response> {
    const question = questionOf(asked.message, this.#markOf(asked.caller));
    const key = question && keyOf(asked, question);
    if (!question || key === undefined) return otherwise();
    const known = this.#answers.get(key);
    if (known?.mark === question.mark) return responseTo(question, known);
    const response = await otherwise();
    if (!isGood(response)) return response;
    const { status, headers } = response;
    const text = await response.text();
    if (question.isCurrent()) this.#learn(key, question, text, [...headers]);
    return new Response(text, { status, headers });
  }

  #learn(key: string, question: Question, text: string, headers: [string, string][]): void {
    const json = ONE_EVENT.exec(text)?.[1] ?? text;
    const around = json.startsWith("{") ? aroundId(json, question.id) : undefined;
    if (!around) return;
    const start = text.indexOf(json);
    const before = text.slice(0, start) + around[0];
    const after = around[1] + text.slice(start + json.length);
    this.#answers.set(key, { mark: question.mark, before, after, headers });
    // Where every request differs, the oldest are of no more use than the newest.
    const [oldest] = this.#answers.keys();
    if (oldest !== undefined && this.#answers.size > MOST_REMEMBERED) this.#answers.delete(oldest);
  }
}

function isGood({ status, headers }: Response): boolean {
  const type = headers.get("content-type") ?? "";
  return status === 200 && /^(?:application\/json|text\/event-stream)\b/.test(type);
}

function responseTo({ id }: Question, { before, after, headers }: Remembered): Response {
  return new Response(before + JSON.stringify(id) + after, { headers });
}

function keyOf({ caller, url, rawHeaders }: Asked, question: Question): string | undefined {
  const { owner, scopes, isRemote } = caller;
  const parts = [owner, [...scopes].join(" "), String(isRemote), url, question.text];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    if (!PASSED_OVER.has(name.toLowerCase())) parts.push(name, value);
  }
  const key = parts.join("\n");
  return key.length > MAX_KEY_CHARACTERS ? undefined : key;
}
