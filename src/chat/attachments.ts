import { AppError } from "../core/errors.ts";
import { byteCount } from "../core/text.ts";
import { isOurUri } from "../core/uris.ts";
import { type Places, resolvePlaces } from "../media/allowed-files.ts";
import { type Attachable, biggest, namesOf, openLocal } from "./attachable.ts";
import {
  type AttachingTurn,
  AttachmentReader,
  type Keeper,
  MAX_ATTACHED_BYTES,
} from "./attachment-reader.ts";
import { findFiles } from "./find-files.ts";
import type { ThreadFile } from "./thread.ts";

export interface AttachRequest extends AttachingTurn {
  /** Paths, folders, patterns and references to earlier results. */
  patterns: readonly string[];
  /** Whether whoever names them is somewhere else, and no path means a file of theirs. */
  isRemote: boolean;
  places: Places;
  /** @throws {not_found | invalid_input} for a reference that is no text. */
  findEarlier(reference: string): Promise<Attachable>;
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
export async function attachFiles(store: Keeper, given: AttachRequest): Promise<Attached> {
  const request = { ...given, places: await resolvePlaces(given.places) };
  const found = await everythingNamed(request);
  const bytes = found.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (bytes > MAX_ATTACHED_BYTES) {
    throw new AppError(
      "invalid_input",
      `\`files\` are ${byteCount(bytes)} in all, more than the ${byteCount(MAX_ATTACHED_BYTES)} that are possible. ${biggest(found, (file) => byteCount(file.sizeBytes))}`,
      { next: "Leave some out or name a narrower pattern; nothing was sent." },
    );
  }
  const reader = new AttachmentReader(store, request);
  const leftOut: { name: string; seems: string }[] = [];
  let known = 0;
  for (const file of found) {
    const became = await reader.read(file);
    if (became === "known") known++;
    else if (became !== "attached") leftOut.push({ name: file.name, seems: became.seems });
  }
  await reader.flush();
  const warnings = [];
  const isText = ({ seems }: { seems: string }) => /\btext\b/.test(seems);
  const noText = leftOut.filter((one) => !isText(one)).map(({ name }) => name);
  if (noText.length > 0) warnings.push(`Left out because they are no text: ${namesOf(noText)}.`);
  const unread = leftOut.filter(isText);
  if (unread.length > 0) {
    const list = namesOf(unread.map(({ name }) => name));
    warnings.push(`Left out because they are not in UTF-8 or UTF-16: ${list}. Save them as UTF-8.`);
  }
  if (known > 0) warnings.push(`${known} unchanged files were attached already.`);
  return { files: reader.files, all: reader.all, warnings };
}

async function everythingNamed(request: AttachRequest): Promise<Attachable[]> {
  const { patterns, places, isRemote } = request;
  const references = [...new Set(patterns.filter(isOurUri))];
  const paths = patterns.filter((pattern) => !isOurUri(pattern));
  if (isRemote && paths.length > 0) {
    throw new AppError("invalid_input", "`files` of a caller elsewhere are addresses, not paths.");
  }
  const files = paths.length > 0 || references.length === 0 ? await findFiles(paths, places) : [];
  const earlier = await Promise.all(references.map((one) => request.findEarlier(one)));
  const local = files.map(({ path, name, isExplicit, sizeBytes }) => {
    return { name, isExplicit, sizeBytes, open: () => openLocal(path, places) };
  });
  return [...local, ...earlier];
}
