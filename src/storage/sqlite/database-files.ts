import { type BigIntStats, closeSync, openSync, readSync, statSync } from "node:fs";
import { toAppError } from "../../core/errors.ts";

/** @see https://sqlite.org/fileformat2.html#database_header */
const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\0";
const APPLICATION_ID_AT = 68;
/** The last bit says in which order its checksums are. */
const LOG_MAGIC = 0x377f0682;

/** What has happened to the files of an open database. */
export interface Loss {
  /** Only the log is gone: what was in it can still be had from the open file. */
  isLogOnly: boolean;
  /** In a sentence, without a full stop. */
  what: string;
}

/**
 * The files that an open database works on, beside those that are where it was opened: SQLite goes
 * on with an open file that was deleted or replaced, and nobody would ever read what it writes.
 */
export class DatabaseFiles {
  readonly #path: string;
  readonly #applicationId: number;
  readonly #identities: ReadonlyMap<string, string>;
  readonly #database: number;
  readonly #log: number;
  /** As last found in the file: a new one comes there with the first checkpoint. */
  #foundId: number;

  /**
   * To be made right after the database was opened and read.
   * @param applicationId what the database says of itself
   */
  constructor(path: string, applicationId: number) {
    this.#path = path;
    this.#applicationId = applicationId;
    this.#identities = new Map(
      ["", "-wal", "-shm"].map((suffix) => [suffix, identityOf(statSync(path + suffix, BIG))]),
    );
    // Kept open: closing any handle on a database gives up the locks that SQLite holds on it.
    this.#database = openSync(path, "r");
    this.#log = openSync(`${path}-wal`, "r");
    this.#foundId = this.#header()?.applicationId ?? 0;
  }

  /** Looks at the files, which takes some ten microseconds. */
  loss(): Loss | undefined {
    try {
      return this.#lossOfDatabase() ?? this.#lossOfLog();
    } catch (error) {
      return { isLogOnly: false, what: `cannot be looked at: ${toAppError(error).message}` };
    }
  }

  /** After the database was closed. */
  close(): void {
    closeSync(this.#database);
    closeSync(this.#log);
  }

  #lossOfDatabase(): Loss | undefined {
    const found = statSync(this.#path, BIG_IF_THERE);
    const loss = (what: string) => ({ isLogOnly: false, what });
    if (!found) return loss("was deleted or moved");
    if (identityOf(found) !== this.#identities.get("")) return loss("was replaced by another file");
    const header = this.#header();
    const isOurs =
      header !== undefined &&
      (header.applicationId === this.#foundId || header.applicationId === this.#applicationId);
    if (!isOurs) return loss("was overwritten");
    this.#foundId = header.applicationId;
    return undefined;
  }

  #lossOfLog(): Loss | undefined {
    for (const suffix of ["-wal", "-shm"]) {
      const found = statSync(this.#path + suffix, BIG_IF_THERE);
      if (!found) return { isLogOnly: true, what: `lost its log (${suffix})` };
      if (identityOf(found) === this.#identities.get(suffix)) continue;
      return { isLogOnly: found.size === 0n, what: `has another log now (${suffix})` };
    }
    const magic = Buffer.alloc(4);
    const isEmpty = readSync(this.#log, magic, 0, magic.length, 0) === 0;
    if (isEmpty || (magic.readUInt32BE() & ~1) === LOG_MAGIC) return undefined;
    return { isLogOnly: false, what: "has a log that was overwritten" };
  }

  /** Of the file that is open, if it still begins as a database does. */
  #header(): { applicationId: number } | undefined {
    const bytes = Buffer.alloc(HEADER_BYTES);
    const length = readSync(this.#database, bytes, 0, HEADER_BYTES, 0);
    if (length < HEADER_BYTES || bytes.toString("latin1", 0, MAGIC.length) !== MAGIC)
      return undefined;
    return { applicationId: bytes.readInt32BE(APPLICATION_ID_AT) };
  }
}

const BIG = { bigint: true } as const;
const BIG_IF_THERE = { bigint: true, throwIfNoEntry: false } as const;

function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}
