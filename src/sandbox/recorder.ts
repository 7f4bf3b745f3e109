import { createHash } from "node:crypto";
import { isFields } from "../core/json-fields.ts";
import { beginningOf } from "../core/text.ts";

/** One request as the sandbox saw it. */
export interface RecordedRequest {
  /** Milliseconds since the epoch, by the sandbox's clock. */
  at: number;
  method: string;
  /** With the query, if any. */
  path: string;
  headers: Record<string, string>;
  /** The parsed JSON body; strings that are long or data URIs as head, length and SHA-256. */
  body: unknown;
  /** Set once a status line was sent. */
  status?: number;
  /** Of the job that this request created, or asked about. */
  requestId?: string;
  /** Whether this request cost something. */
  charged?: boolean;
}

const DEFAULT_KEEP = 10_000;
const MOST_BODY_CHARACTERS = 64 * 1024 * 1024;
const LONGEST_STRING = 64 * 1024;
const LONGEST_DATA_URI = 256;

/** Keeps the newest requests: the witness of what a client really sent. */
export class Recorder {
  readonly #keep: number;
  #kept: { request: RecordedRequest; characters: number }[] = [];
  #characters = 0;

  /** @param keep how many requests; default 10,000. */
  constructor(keep = DEFAULT_KEEP) {
    this.#keep = keep;
  }

  add(request: RecordedRequest, bodyCharacters: number): void {
    const characters = Math.min(bodyCharacters, LONGEST_STRING * 4);
    this.#kept.push({ request, characters });
    this.#characters += characters;
    // In batches, because taking from the front of a long array is slow.
    if (this.#kept.length > this.#keep * 1.1 || this.#characters > MOST_BODY_CHARACTERS * 1.1)
      this.#trim();
  }

  list(): readonly RecordedRequest[] {
    this.#trim();
    return this.#kept.map(({ request }) => request);
  }

  clear(): void {
    this.#kept = [];
    this.#characters = 0;
  }

  #trim(): void {
    let dropped = 0;
    for (const { characters } of this.#kept) {
      const tooMany = this.#kept.length - dropped > this.#keep;
      if (!tooMany && this.#characters <= MOST_BODY_CHARACTERS) break;
      this.#characters -= characters;
      dropped += 1;
    }
    this.#kept = this.#kept.slice(dropped);
  }
}

/** The same JSON value with what is too big to keep replaced by what identifies it. */
export function abridge(value: unknown): unknown {
  if (typeof value === "string") return abridgeText(value);
  if (Array.isArray(value)) return value.map(abridge);
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, abridge(item)]));
}

function abridgeText(text: string): string {
  const isData = text.startsWith("data:");
  if (text.length <= (isData ? LONGEST_DATA_URI : LONGEST_STRING)) return text;
  const sha256 = createHash("sha256").update(text).digest("hex");
  return `${beginningOf(text, 64)}… (${text.length} characters, sha256 ${sha256})`;
}
