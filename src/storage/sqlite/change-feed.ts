import * as z from "zod";
import type { Connection } from "./connection.ts";

const AT_ONCE = 500;

const numberRow = z.object({ n: z.number() });
const revisionRow = z.object({ revision: z.number() });

/** What others have changed in a table, told by the revision that every change counts up. */
export class ChangeFeed<T> {
  readonly #connection: Connection;
  readonly #table: "jobs" | "deleted_jobs";
  readonly #read: (row: unknown) => T;
  #seenVersion = -1;
  #seenRevision: number;
  /** Revisions that were written here since the last look. */
  readonly #own = new Set<number>();

  constructor(connection: Connection, table: "jobs" | "deleted_jobs", read: (row: unknown) => T) {
    this.#connection = connection;
    this.#table = table;
    this.#read = read;
    this.#seenRevision = this.#number(`SELECT coalesce(max(revision), 0) AS n FROM ${table}`);
  }

  /** Notes a row that was written here. */
  wrote(row: unknown): void {
    this.#own.add(revisionRow.parse(row).revision);
  }

  /** What others have written since the last look, some at a time. */
  changes(): T[] {
    const version = this.#number("SELECT data_version AS n FROM pragma_data_version");
    if (version === this.#seenVersion) {
      // Nobody else has written, so everything up to here is our own.
      this.#seenRevision = Math.max(this.#seenRevision, ...this.#own);
      this.#own.clear();
      return [];
    }
    const rows = this.#connection.all(
      `SELECT * FROM ${this.#table} WHERE revision > ? ORDER BY revision LIMIT ?`,
      [this.#seenRevision, AT_ONCE],
    );
    const foreign = rows.filter((row) => {
      const { revision } = revisionRow.parse(row);
      this.#seenRevision = Math.max(this.#seenRevision, revision);
      return !this.#own.delete(revision);
    });
    // What there is beyond these comes with the next look.
    if (rows.length < AT_ONCE) {
      this.#seenVersion = version;
      this.#own.clear();
    }
    return foreign.map(this.#read);
  }

  #number(sql: string): number {
    return numberRow.parse(this.#connection.all(sql, [])[0]).n;
  }
}
