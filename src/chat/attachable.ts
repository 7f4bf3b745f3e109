import { dirname } from "node:path";
import { oneLine } from "../core/text.ts";
import { openAllowedFile, type Places } from "../media/allowed-files.ts";
import type { EarlierText } from "./earlier-text.ts";

const NAMED = 5;

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

/** A file of the user. @throws {invalid_input} */
export async function openLocal(path: string, places: Places): Promise<OpenText> {
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

/** Some of a list of names, and how many more there are. */
export function namesOf(list: readonly string[]): string {
  const shown = list.slice(0, NAMED).map((name) => oneLine(name, 120));
  const more = list.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
