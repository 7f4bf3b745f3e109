import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { AppError } from "../core/errors.ts";
import { HEAD_BYTES } from "../core/file-head.ts";
import { oneLine } from "../core/text.ts";
import { ESCAPED_GROWTH, escapeJson } from "../gateway/chat-body.ts";
import type { Attachable, OpenText } from "./attachable.ts";
import { type Encoding, encodingOf, endOfCharacters, LONGEST_CHARACTER } from "./text-encoding.ts";
import type { ThreadFile } from "./thread.ts";
import type { ThreadStore } from "./thread-store.ts";
import { estimateTokensOf } from "./tokens.ts";

const READ_BYTES = 64 * 1024;
/** How much is kept before it is written to disk in one go. */
const BATCH_BYTES = 512 * 1024;
/** How much longer text may become as UTF-8: three bytes for two of UTF-16. */
const UTF16_GROWTH = 1.5;
/** Some four characters a token: more than any context of a million tokens takes. */
export const MAX_ATTACHED_BYTES = 64 * 1024 * 1024;

/** Where the text of what is attached goes. */
export type Keeper = Pick<ThreadStore, "attach" | "detach">;

/** The turn that files are attached to. */
export interface AttachingTurn {
  owner: string;
  jobId: string;
  threadId: string;
  /** What the thread already has; the same name with the same content is not attached again. */
  known: readonly ThreadFile[];
  now: number;
}

/** Pieces on their way to the store, and the files they belong to. */
export class AttachmentReader {
  readonly files: ThreadFile[] = [];
  /** Everything that was read, in order: name and SHA-256. */
  readonly all: [name: string, sha256: string][] = [];
  readonly #store: Keeper;
  readonly #turn: AttachingTurn;
  /** One for all files: what is not kept is not held. */
  readonly #buffer = Buffer.alloc(READ_BYTES + LONGEST_CHARACTER);
  #pieces: { jobId: string; position: number; part: number; content: Uint8Array }[] = [];
  #complete: ThreadFile[] = [];
  /** The contents of the pieces, one after the other. */
  readonly #space = Buffer.allocUnsafe(BATCH_BYTES);
  #used = 0;

  constructor(store: Keeper, turn: AttachingTurn) {
    this.#store = store;
    this.#turn = turn;
  }

  /** @returns what became of it; of what is no text, what it seems to be. */
  async read(file: Attachable): Promise<"attached" | "known" | { seems: string }> {
    const { owner, jobId, known } = this.#turn;
    const position = this.files.length;
    const found = await this.#readText(file, position);
    const made = "seems" in found ? undefined : found;
    if (made) this.all.push([made.name, made.sha256]);
    const isKnown =
      made !== undefined &&
      known.some((one) => one.name === made.name && one.sha256 === made.sha256);
    if (made && !isKnown) {
      this.files.push(made);
      this.#complete.push(made);
      return "attached";
    }
    this.#pieces = this.#pieces.filter((piece) => piece.position !== position);
    await this.#store.detach(owner, jobId, position);
    return "seems" in found ? found : "known";
  }

  async flush(): Promise<void> {
    const [pieces, complete] = [this.#pieces, this.#complete];
    this.#pieces = [];
    this.#complete = [];
    const { owner, threadId, now } = this.#turn;
    await this.#store.attach(owner, threadId, pieces, complete, now);
    this.#used = 0;
  }

  /** @throws {invalid_input} for what is no text, if it was named itself. */
  async #readText(file: Attachable, position: number): Promise<ThreadFile | { seems: string }> {
    const opened = await file.open();
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      const length = await opened.read(head, 0, HEAD_BYTES, 0);
      const encoding = await encodingOf(head.subarray(0, length));
      const made = await this.#keepText(file, position, opened, encoding);
      if (made !== undefined) return made;
      const seems =
        encoding.reads === undefined
          ? encoding.seems
          : `damaged ${encoding.reads.toUpperCase()} text`;
      if (!file.isExplicit) return { seems };
      throw notReadable(file, seems, encoding.reads === undefined && encoding.isPicture);
    } finally {
      await opened.close();
    }
  }

  /** @returns `undefined` for what is no text. */
  async #keepText(
    { name }: Attachable,
    position: number,
    opened: OpenText,
    encoding: Encoding,
  ): Promise<ThreadFile | undefined> {
    if (encoding.reads === undefined) return undefined;
    const { jobId } = this.#turn;
    const hash = createHash("sha256");
    const made = { jobId, position, name, sizeBytes: 0, jsonBytes: 0, tokens: 0 };
    const decode = decoderOf(encoding.reads);
    const most = encoding.reads === "utf-8" ? READ_BYTES : Math.floor(READ_BYTES / UTF16_GROWTH);
    /** The beginning of a character whose end has not been read yet. */
    let started = 0;
    for (let part = 0, atEnd = false; !atEnd; ) {
      const bytesRead = await opened.read(this.#buffer, started, most, made.sizeBytes);
      // The mark says how to read, and nothing else.
      const mark = made.sizeBytes === 0 ? Math.min(encoding.markBytes, bytesRead) : 0;
      made.sizeBytes += bytesRead;
      // What is added to it meanwhile is left alone.
      atEnd = bytesRead === 0 || made.sizeBytes >= opened.size;
      if (made.sizeBytes > MAX_ATTACHED_BYTES)
        throw new AppError("invalid_input", `${oneLine(name)} grows.`);
      hash.update(this.#buffer.subarray(started, started + bytesRead));
      const there = this.#buffer.subarray(mark, started + bytesRead);
      const whole = atEnd ? there : there.subarray(0, endOfWhole(there, encoding.reads));
      const text = decode(whole, atEnd);
      if (text === undefined || text.includes(0)) return undefined;
      if (text.length > 0) {
        if (this.#used + text.length * ESCAPED_GROWTH > BATCH_BYTES) await this.flush();
        // Escaped once here, so that it is sent as it is kept.
        const end = escapeJson(text, this.#space, this.#used);
        const content = this.#space.subarray(this.#used, end);
        this.#used = end;
        made.jsonBytes += content.length;
        made.tokens += estimateTokensOf(text);
        this.#pieces.push({ jobId, position, part, content });
        part++;
      }
      started = there.length - whole.length;
      this.#buffer.copyWithin(0, mark + whole.length, mark + there.length);
    }
    return { ...made, tokens: Math.ceil(made.tokens), sha256: hash.digest("hex") };
  }
}

type Reads = Exclude<Encoding["reads"], undefined>;

function endOfWhole(bytes: Uint8Array, reads: Reads): number {
  return reads === "utf-8" ? endOfCharacters(bytes) : bytes.length;
}

/** Pieces as UTF-8; `undefined` where they are not what they should be. */
function decoderOf(reads: Reads): (piece: Buffer, isLast: boolean) => Buffer | undefined {
  if (reads === "utf-8") return (piece) => (isUtf8(piece) ? piece : undefined);
  // Without `ignoreBOM` a second mark would vanish as well.
  const decoder = new TextDecoder(reads, { fatal: true, ignoreBOM: true });
  return (piece, isLast) => {
    try {
      return Buffer.from(decoder.decode(piece, { stream: !isLast }));
    } catch {
      return undefined;
    }
  };
}

function notReadable({ name }: Attachable, seems: string, isPicture: boolean): AppError {
  const shown = oneLine(name);
  if (isPicture) {
    return new AppError("invalid_input", `${shown} is ${seems}, and this model reads text only.`, {
      next: "Leave it out, or say in the prompt what it shows; nothing was sent.",
    });
  }
  const how = /application\//.test(seems)
    ? "Give its text as a file in UTF-8 (pdftotext, or an office program, makes one)"
    : "Save it as UTF-8 text (an editor does, or iconv -f OLD -t UTF-8)";
  return new AppError(
    "invalid_input",
    `${shown} is no text in UTF-8 or UTF-16: it seems to be ${seems}. This model reads text only.`,
    { next: `${how}, or leave it out; nothing was sent.` },
  );
}
