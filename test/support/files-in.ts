import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Everything below a folder, without the folders. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** What holds one of some words below a folder, in its bytes or its name, in capitals or not. */
export async function filesWith(folder: string, ...words: string[]): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const forms = words.map((word) => Buffer.from(word).toString("latin1").toLowerCase());
  const found = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    // What a running program removes meanwhile holds nothing any more.
    const bytes = entry.isFile() ? await readFile(path, "latin1").catch(() => "") : "";
    const name = Buffer.from(entry.name).toString("latin1");
    const all = `${name}\n${bytes}`.toLowerCase();
    if (forms.some((form) => all.includes(form))) found.push(path);
  }
  return found;
}
