import * as z from "zod";
import type { Job } from "../../jobs/job.ts";
import type { Connection } from "./connection.ts";
import { readRow } from "./job-rows.ts";

const AT_ONCE = 500;

const numberRow = z.object({ n: z.number() });
const revisionRow = z.object({ revision: z.number() });

/** What others have changed in the table of jobs, told by the revision that every change counts up. */
export class ChangeFeed {
  readonly #connection: Connection;
  #seenVersion = -1;
  #seenRevision: number;
  /** Revisions that were written here since the last look. */
  readonly #own = new Set<number>();

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#seenRevision = this.#number("SELECT coalesce(max(revision), 0) AS n FROM jobs");
  }

  /** Notes a row that was written here. */
  wrote(row: unknown): void {
    this.#own.add(revisionRow.parse(row).revision);
  }

  /** What others have written since the last look, some at a time. */
  changes(): Job[] {
    const version = this.#number("SELECT data_version AS n FROM pragma_data_version");
    if (version === this.#seenVersion) {
      // Nobody else has written, so everything up to here is our own.
      this.#seenRevision = Math.max(this.#seenRevision, ...this.#own);
      this.#own.clear();
      return [];
    }
    const rows = this.#connection.all(
      "SELECT * FROM jobs WHERE revision > ? ORDER BY revision LIMIT ?",
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
    return foreign.map(readRow);
  }

  #number(sql: string): number {
    return numberRow.parse(this.#connection.all(sql, [])[0]).n;
  }
}
