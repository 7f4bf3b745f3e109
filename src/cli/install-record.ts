import { createHash } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import type { HostName } from "../settings/commands.ts";
import { removeEmptyFolders, writePrivately } from "./host-file.ts";

const recordSchema = z.object({
  /** The host's file. */
  path: z.string(),
  /** Where the bytes are that it had before; absent where there was no file. */
  backup: z.string().optional(),
  /** The uppermost of the folders that were made for it. */
  madeFolder: z.string().optional(),
  /** Of the bytes that were written: only as long as they are there, the former ones can come back. */
  written: z.string(),
  /** Whether the backup is from before the server's first entry. */
  isFirst: z.boolean(),
  /** Whether the list of servers was made for it. */
  madeSection: z.boolean(),
});

/** What is known of a change to a host's file, to undo it. */
export type InstallRecord = z.output<typeof recordSchema>;

/** The notes about changes to hosts' files, one file for each host, beside the job database. */
export class InstallRecords {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, "hosts");
  }

  /** Undefined also where it cannot be read: then the entry is taken out of the file as it is. */
  async read(host: HostName): Promise<InstallRecord | undefined> {
    try {
      return recordSchema.parse(JSON.parse(await readFile(this.#path(host), "utf8")));
    } catch {
      return undefined;
    }
  }

  /** @throws {storage} */
  async write(host: HostName, record: InstallRecord): Promise<void> {
    await writePrivately(this.#path(host), `${JSON.stringify(record, undefined, 2)}\n`);
  }

  async remove(host: HostName): Promise<void> {
    await rm(this.#path(host), { force: true });
    await removeEmptyFolders(this.#folder, this.#folder);
  }

  /** Whether any host is known to have the server. */
  async areThereAny(): Promise<boolean> {
    return (await readdir(this.#folder).catch(() => [])).length > 0;
  }

  #path(host: HostName): string {
    return join(this.#folder, `${host}.json`);
  }
}

/** What bytes are recognised by. */
export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Where the bytes of a host's file are kept while the server is in it. */
export function backupPath(path: string): string {
  return `${path}.longcat-mcp-backup`;
}

/** The uppermost folder on the way to a file that is not there yet. */
export function missingFolderAbove(
  path: string,
  isThere: (path: string) => boolean,
): string | undefined {
  const folder = dirname(path);
  if (folder === path || isThere(folder)) return undefined;
  return missingFolderAbove(folder, isThere) ?? folder;
}
