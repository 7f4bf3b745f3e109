import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";

/** What is asked by these is the same all the time that a connection lasts. */
const CONSTANT: ReadonlySet<string> = new Set([
  "ping",
  "tools/list",
  "prompts/list",
  "resources/templates/list",
  "server/discover",
]);
/** More ways to ask than any client has. */
const MOST_REMEMBERED = 16;

/** Longer than what any client tells of itself with each request. */
const MAX_QUESTION_CHARACTERS = 4_096;

/** The bytes of an answer around the id of its request. */
interface Remembered {
  before: Buffer;
  after: Buffer;
}

/**
 * Answers of one connection that stay as they are. Assistants list the tools again and again: the
 * library checks and writes that answer once, and the same question gets the same bytes from then on.
 */
export class RememberedAnswers {
  readonly #asked = new Map<RequestId, string>();
  readonly #answers = new Map<string, Remembered>();

  /** The line that answers a request, if the same has been asked and answered before. */
  lineFor(message: JSONRPCMessage): Buffer | undefined {
    if (!("method" in message) || !("id" in message) || !CONSTANT.has(message.method)) {
      return undefined;
    }
    const question = JSON.stringify([message.method, message.params]);
    const known = this.#answers.get(question);
    if (known) {
      return Buffer.concat([known.before, Buffer.from(JSON.stringify(message.id)), known.after]);
    }
    const isRoom = this.#answers.size + this.#asked.size < MOST_REMEMBERED;
    if (isRoom && question.length <= MAX_QUESTION_CHARACTERS) this.#asked.set(message.id, question);
    return undefined;
  }

  /** Remembers an answer, if it is one that stays. */
  learn(answer: JSONRPCMessage): void {
    if ("method" in answer || answer.id === undefined) return;
    const question = this.#asked.get(answer.id);
    this.#asked.delete(answer.id);
    if (question === undefined || !("result" in answer)) return;
    this.#answers.set(question, around(answer));
  }
}

function around(answer: object): Remembered {
  const fields = Object.entries(answer).filter(([, value]) => value !== undefined);
  const at = fields.findIndex(([name]) => name === "id");
  const written = fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const [before, after] = [written.slice(0, at), written.slice(at + 1)];
  return {
    before: Buffer.from(`{${before.map((field) => `${field},`).join("")}"id":`),
    after: Buffer.from(`${after.map((field) => `,${field}`).join("")}}\n`),
  };
}
