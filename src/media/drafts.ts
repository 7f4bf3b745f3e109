import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { randomToken } from "../core/ids.ts";
import { makeFolder } from "../core/make-folder.ts";
import type { DraftNaming } from "./media-store.ts";
import { discard, orStorage } from "./placing.ts";

const TOKEN_LENGTH = 10;

/** Unfinished files of jobs, hidden in a folder that processes share. */
export class Drafts {
  /** Part of their names, so that no other process writes to them. */
  readonly #token = randomToken().slice(0, TOKEN_LENGTH);
  #count = 0;

  /** A path that nobody else ever has. */
  name(folder: string, { jobId, index }: Pick<DraftNaming, "jobId" | "index">): string {
    const own = `${this.#token}-${++this.#count}`;
    return join(folder, `.${jobId}-${index}.${own}.partial`);
  }

  /** Removes what other processes have left of a job; earlier versions kept notes beside drafts. */
  async clear(folder: string, jobId: string): Promise<void> {
    const names = await readdir(folder).catch(() => []);
    const left = names.filter(
      (name) =>
        name.startsWith(`.${jobId}-`) &&
        /\.partial(?:\.json)?$/.test(name) &&
        !name.includes(`.${this.#token}-`),
    );
    await discard(left.map((name) => join(folder, name)));
  }
}

/** Makes sure that drafts can be written in a folder. @throws {storage} */
export async function prepareDrafts(folder: string): Promise<void> {
  await orStorage(folder, () => makeFolder(folder));
}
