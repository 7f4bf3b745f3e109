import type { Caller } from "../../core/caller.ts";
import { aroundId, type MarkOf, type Question, questionOf } from "../questions.ts";
import { type Head, headOf } from "./request-head.ts";

/** All of them together hold some megabytes at most. */
const MOST_REMEMBERED = 64;
/** An event of a stream that has no other, which is what the library answers earlier revisions. */
const ONE_EVENT = /^event: message\ndata: (\{.*\})\n\n$/;

/** What is asked over HTTP: the message, by whom, and how. */
export interface Asked {
  caller: Caller;
  head: Head;
  message: unknown;
}

/** An answer around the id of its request. */
interface Remembered {
  mark: Question["mark"];
  before: string;
  after: string;
  headers: Record<string, string>;
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
    if (question.isCurrent()) this.#learn(key, question, text, Object.fromEntries(headers));
    return new Response(text, { status, headers });
  }

  #learn(key: string, question: Question, text: string, headers: Record<string, string>): void {
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

/** Its headers are no `Headers`, so that they are written as they are. */
function responseTo({ id }: Question, { before, after, headers }: Remembered): Response {
  const text = before + JSON.stringify(id) + after;
  const length = { "Content-Length": String(Buffer.byteLength(text)) };
  return new Response(text, { headers: { ...headers, ...length } });
}

function keyOf({ caller, head }: Asked, question: Question): string | undefined {
  const { owner, scopes, isRemote } = caller;
  const given = headOf(head);
  if (given === undefined) return undefined;
  return [owner, [...scopes].join(" "), String(isRemote), given, question.text].join("\n");
}
