import { createParser } from "eventsource-parser";
import { type ChatDelta, readChatDelta } from "./chat-delta.ts";

const MAX_EVENT_CHARACTERS = 16 * 1024 * 1024;
/** How a stream of events may begin. */
const STREAM_BEGINS = ["data:", "event:", "id:", "retry:", ":"];
const HEAD_CHARACTERS = 6;

/** Reads an answer piece by piece, as a stream of events or as one JSON object. */
export class AnswerReader {
  /** Whether any text or reasoning has come. */
  said = false;
  done = false;
  finished = false;
  error: string | undefined;
  /** The first characters, which tell what kind of answer it is. */
  #head = "";
  #json: string[] | undefined;
  readonly #tell: (delta: ChatDelta) => void;
  readonly #parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onEvent: ({ data, event }) => this.#take(data, event === "error"),
  });

  constructor(tell: (delta: ChatDelta) => void) {
    this.#tell = tell;
  }

  /** Something came, and it is a page or the like: no stream, and no JSON. */
  get isForeign(): boolean {
    const head = this.#head.trimStart();
    return (
      head !== "" &&
      !this.#json &&
      !STREAM_BEGINS.some((field) => head.startsWith(field) || field.startsWith(head))
    );
  }

  feed(text: string): void {
    if (this.#json) {
      this.#json.push(text);
      return;
    }
    if (this.#head.trimStart().length < HEAD_CHARACTERS) {
      this.#head += text;
      if (/^\s*\{/.test(this.#head)) {
        this.#json = [this.#head];
        return;
      }
    }
    this.#parser.feed(text);
  }

  /** The last event may lack the empty line behind it. */
  end(): void {
    if (this.#json) this.#take(this.#json.join(""));
    else this.#parser.feed("\n\n");
  }

  #take(data: string, isError = false): void {
    if (this.done || this.error !== undefined) return;
    if (isError) {
      this.error = data;
      return;
    }
    const delta = readChatDelta(data);
    if (!delta) return;
    if (delta.text !== "" || delta.reasoning !== "") this.said = true;
    this.done = delta.done;
    this.error = delta.error;
    if (delta.finishReason !== undefined) this.finished = true;
    this.#tell(delta);
  }
}
