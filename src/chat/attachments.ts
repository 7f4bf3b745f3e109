import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { ESCAPED_GROWTH, escapeJson } from "../gateway/chat-body.ts";
import { type AllowedFile, openAllowedFile, type Places, resolvePlaces } from "../media/files.ts";
import { type FoundFile, findFiles } from "./find-files.ts";
import type { ThreadFile } from "./thread-rows.ts";
import type { ThreadStore } from "./threads.ts";
import { estimateTokensOf } from "./tokens.ts";

const READ_BYTES = 64 * 1024;
/** How much is kept before it is written to disk in one go. */
const BATCH_BYTES = 512 * 1024;
/** Some four characters a token: more than any context of a million tokens takes. */
const MAX_BYTES = 64 * 1024 * 1024;
const NAMED = 5;
/** In UTF-8. */
const LONGEST_CHARACTER = 4;

export interface AttachRequest {
  jobId: string;
  threadId: string;
  patterns: readonly string[];
  places: Places;
  /** What the thread already has; the same name with the same content is not attached again. */
  known: readonly ThreadFile[];
  now: number;
}

export interface Attached {
  /** What was not attached to the thread before. */
  files: ThreadFile[];
  /** Everything that was named, in order: name and SHA-256. */
  all: [name: string, sha256: string][];
  warnings: string[];
}

/**
 * Reads the files that a turn attaches and keeps their text with the thread, never holding more
 * than a piece of it. What is no text is refused if it was named itself, else left out and
 * mentioned.
 * @throws {invalid_input} before anything is sent
 */
export async function attachFiles(store: ThreadStore, given: AttachRequest): Promise<Attached> {
  const request = { ...given, places: await resolvePlaces(given.places) };
  const found = await findFiles(request.patterns, request.places);
  const bytes = found.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (bytes > MAX_BYTES) {
    throw new AppError(
      "invalid_input",
      `\`files\` are ${megabytes(bytes)} in all, more than ${megabytes(MAX_BYTES)}. ${biggest(found, (file) => megabytes(file.sizeBytes))}`,
      { next: "Leave some out or name a narrower pattern; nothing was sent." },
    );
  }
  const batch = new Batch(store, request);
  const leftOut: string[] = [];
  let known = 0;
  for (const file of found) {
    const read = await batch.read(file);
    if (read === "not text") leftOut.push(file.name);
    if (read === "known") known++;
  }
  await batch.flush();
  const warnings = [];
  if (leftOut.length > 0) warnings.push(`Left out because they are no text: ${names(leftOut)}.`);
  if (known > 0) warnings.push(`${known} unchanged files were attached already.`);
  return { files: batch.files, all: batch.all, warnings };
}

/** The biggest of some files, for an error that says what to leave out. */
export function biggest<T extends { name: string; sizeBytes: number }>(
  files: readonly T[],
  measure: (file: T) => string,
): string {
  const list = [...files]
    .sort((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, NAMED)
    .map((file) => `${oneLine(file.name, 120)} (${measure(file)})`);
  return `The biggest: ${list.join(", ")}.`;
}

/** Pieces on their way to the store, and the files they belong to. */
class Batch {
  readonly files: ThreadFile[] = [];
  readonly all: Attached["all"] = [];
  readonly #store: ThreadStore;
  readonly #request: AttachRequest;
  /** One for all files: what is not kept is not held. */
  readonly #buffer = Buffer.alloc(READ_BYTES + LONGEST_CHARACTER);
  #pieces: { jobId: string; position: number; part: number; content: Uint8Array }[] = [];
  #complete: ThreadFile[] = [];
  /** The contents of the pieces, one after the other. */
  readonly #space = Buffer.allocUnsafe(BATCH_BYTES);
  #used = 0;

  constructor(store: ThreadStore, request: AttachRequest) {
    this.#store = store;
    this.#request = request;
  }

  async read(file: FoundFile): Promise<"attached" | "known" | "not text"> {
    const { jobId, known } = this.#request;
    const position = this.files.length;
    const made = await this.#readText(file, position);
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
    await this.#store.detach(jobId, position);
    return isKnown ? "known" : "not text";
  }

  async flush(): Promise<void> {
    const [pieces, complete] = [this.#pieces, this.#complete];
    this.#pieces = [];
    this.#complete = [];
    const { threadId, now } = this.#request;
    await this.#store.attach(threadId, pieces, complete, now);
    this.#used = 0;
  }

  /** @returns `undefined` for what is no text. @throws {invalid_input} if it was named itself. */
  async #readText(file: FoundFile, position: number): Promise<ThreadFile | undefined> {
    const opened = await openAllowedFile(file.path, this.#request.places);
    const { handle } = opened;
    try {
      const made = await this.#keepText(file, position, opened);
      if (made !== undefined || !file.isExplicit) return made;
      throw new AppError("invalid_input", `${file.name} is not a UTF-8 text file.`, {
        next: "Name text files only; nothing was sent.",
      });
    } finally {
      await handle.close();
    }
  }

  async #keepText(
    { name }: FoundFile,
    position: number,
    { handle, size }: AllowedFile,
  ): Promise<ThreadFile | undefined> {
    const { jobId } = this.#request;
    const hash = createHash("sha256");
    const made = { jobId, position, name, sizeBytes: 0, jsonBytes: 0, tokens: 0 };
    /** The beginning of a character whose end has not been read yet. */
    let started = 0;
    for (let part = 0, atEnd = false; !atEnd; ) {
      const { bytesRead } = await handle.read(this.#buffer, started, READ_BYTES);
      made.sizeBytes += bytesRead;
      // What is added to it meanwhile is left alone.
      atEnd = bytesRead === 0 || made.sizeBytes >= size;
      if (made.sizeBytes > MAX_BYTES) throw new AppError("invalid_input", `${name} grows.`);
      hash.update(this.#buffer.subarray(started, started + bytesRead));
      const there = this.#buffer.subarray(0, started + bytesRead);
      const whole = atEnd ? there : there.subarray(0, endOfCharacters(there));
      if (whole.includes(0) || !isUtf8(whole)) return undefined;
      if (whole.length > 0) {
        if (this.#used + whole.length * ESCAPED_GROWTH > BATCH_BYTES) await this.flush();
        // Escaped once here, so that it is sent as it is kept.
        const end = escapeJson(whole, this.#space, this.#used);
        const content = this.#space.subarray(this.#used, end);
        this.#used = end;
        made.jsonBytes += content.length;
        made.tokens += estimateTokensOf(whole);
        this.#pieces.push({ jobId, position, part, content });
        part++;
      }
      started = there.length - whole.length;
      this.#buffer.copyWithin(0, whole.length, there.length);
    }
    return { ...made, tokens: Math.ceil(made.tokens), sha256: hash.digest("hex") };
  }
}

/** Up to where bytes hold whole characters. */
function endOfCharacters(utf8: Uint8Array): number {
  for (let back = 1; back < LONGEST_CHARACTER && back <= utf8.length; back++) {
    const byte = utf8[utf8.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? utf8.length - back : utf8.length;
  }
  return utf8.length;
}

function names(list: readonly string[]): string {
  const shown = list.slice(0, NAMED).map((name) => oneLine(name, 120));
  const more = list.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
