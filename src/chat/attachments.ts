import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { AppError } from "../core/errors.ts";
import { byteCount, oneLine } from "../core/text.ts";
import { isOurUri } from "../core/uris.ts";
import { ESCAPED_GROWTH, escapeJson } from "../gateway/chat-body.ts";
import { openAllowedFile, type Places, resolvePlaces } from "../media/allowed-files.ts";
import type { EarlierText } from "./earlier-text.ts";
import { findFiles } from "./find-files.ts";
import {
  type Encoding,
  encodingOf,
  endOfCharacters,
  HEAD_BYTES,
  LONGEST_CHARACTER,
} from "./text-encoding.ts";
import type { ThreadFile } from "./thread.ts";
import type { ThreadStore } from "./thread-store.ts";
import { estimateTokensOf } from "./tokens.ts";

const READ_BYTES = 64 * 1024;
/** How much is kept before it is written to disk in one go. */
const BATCH_BYTES = 512 * 1024;
/** Some four characters a token: more than any context of a million tokens takes. */
const MAX_BYTES = 64 * 1024 * 1024;
const NAMED = 5;
/** How much longer text may become as UTF-8: three bytes for two of UTF-16. */
const UTF16_GROWTH = 1.5;

/** What an attachment's bytes are read from. The reader closes it. */
export interface OpenText {
  size: number;
  /** @returns how many bytes there were. */
  read(target: Buffer, offset: number, length: number, position: number): Promise<number>;
  close(): Promise<void>;
}

/** Something to attach that has not been looked into yet. */
export interface Attachable {
  /** What the model is told it is called. */
  name: string;
  /** Named itself rather than by a pattern; then it must be usable. */
  isExplicit: boolean;
  sizeBytes: number;
  /** @throws {invalid_input} */
  open(): Promise<OpenText>;
}

export interface AttachRequest {
  owner: string;
  jobId: string;
  threadId: string;
  /** Paths, folders, patterns and references to earlier results. */
  patterns: readonly string[];
  places: Places;
  /** @throws {not_found | invalid_input} for a reference that is no text. */
  findEarlier(reference: string): Promise<Attachable>;
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
  const found = await everythingNamed(request);
  const bytes = found.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (bytes > MAX_BYTES) {
    throw new AppError(
      "invalid_input",
      `\`files\` are ${byteCount(bytes)} in all, more than the ${byteCount(MAX_BYTES)} that are possible. ${biggest(found, (file) => byteCount(file.sizeBytes))}`,
      { next: "Leave some out or name a narrower pattern; nothing was sent." },
    );
  }
  const batch = new Batch(store, request);
  const leftOut: { name: string; seems: string }[] = [];
  let known = 0;
  for (const file of found) {
    const read = await batch.read(file);
    if (read === "known") known++;
    else if (read !== "attached") leftOut.push({ name: file.name, seems: read.seems });
  }
  await batch.flush();
  const warnings = [];
  const isText = ({ seems }: { seems: string }) => /\btext\b/.test(seems);
  const noText = leftOut.filter((one) => !isText(one)).map(({ name }) => name);
  if (noText.length > 0) warnings.push(`Left out because they are no text: ${names(noText)}.`);
  const unread = leftOut.filter(isText);
  if (unread.length > 0) {
    const list = names(unread.map(({ name }) => name));
    warnings.push(`Left out because they are not in UTF-8 or UTF-16: ${list}. Save them as UTF-8.`);
  }
  if (known > 0) warnings.push(`${known} unchanged files were attached already.`);
  return { files: batch.files, all: batch.all, warnings };
}

async function everythingNamed(request: AttachRequest): Promise<Attachable[]> {
  const { patterns, places } = request;
  const references = [...new Set(patterns.filter(isOurUri))];
  const paths = patterns.filter((pattern) => !isOurUri(pattern));
  const files = paths.length > 0 || references.length === 0 ? await findFiles(paths, places) : [];
  const earlier = await Promise.all(references.map((one) => request.findEarlier(one)));
  const local = files.map(({ path, name, isExplicit, sizeBytes }) => {
    return { name, isExplicit, sizeBytes, open: () => openLocal(path, places) };
  });
  return [...local, ...earlier];
}

/** An earlier result as something to attach; its folder may have been another one when it was kept. */
export function attachable(earlier: EarlierText, places: Places): Attachable {
  const { name } = earlier;
  if ("path" in earlier) {
    const { path, sizeBytes } = earlier;
    const { workingDir, homeDir } = places;
    const around = { workingDir, homeDir, allowedDirs: [dirname(path)] };
    return { name, isExplicit: true, sizeBytes, open: () => openLocal(path, around) };
  }
  const bytes = Buffer.from(earlier.text);
  const text: OpenText = {
    size: bytes.length,
    read: async (target, offset, length, position) =>
      bytes.copy(target, offset, position, position + length),
    close: async () => {},
  };
  return { name, isExplicit: true, sizeBytes: bytes.length, open: async () => text };
}

/** @throws {invalid_input} */
async function openLocal(path: string, places: Places): Promise<OpenText> {
  const { handle, size } = await openAllowedFile(path, places);
  return {
    size,
    read: async (...where) => (await handle.read(...where)).bytesRead,
    close: () => handle.close(),
  };
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

  /** @returns what became of it; of what is no text, what it seems to be. */
  async read(file: Attachable): Promise<"attached" | "known" | { seems: string }> {
    const { owner, jobId, known } = this.#request;
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
    const { owner, threadId, now } = this.#request;
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
    const { jobId } = this.#request;
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
      if (made.sizeBytes > MAX_BYTES)
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
  return new AppError(
    "invalid_input",
    `${shown} is no text in UTF-8 or UTF-16: it seems to be ${seems}. This model reads text only.`,
    {
      next: "Save it as UTF-8 text (an editor does, or iconv -f OLD -t UTF-8), or leave it out; nothing was sent.",
    },
  );
}

function names(list: readonly string[]): string {
  const shown = list.slice(0, NAMED).map((name) => oneLine(name, 120));
  const more = list.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
