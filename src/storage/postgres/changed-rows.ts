import * as z from "zod";
import { LISTED, type Statements } from "./database.ts";

const AT_ONCE = 500;

const namedRow = z.object({ job_id: z.string() });
const stampedRow = z.object({
  revision: z.number(),
  xact: z.string().transform((number) => BigInt(number)),
});
const horizonRow = z.object({ horizon: z.string() });

/** As SQL: every transaction before this one has ended, and what it has done is seen. */
const HORIZON = "CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS horizon";

/**
 * What others have changed in a table. Transactions become visible in another order than they are
 * numbered in, so that what is younger than the oldest that is still open is looked at again, and
 * what was seen of it is remembered.
 */
export class ChangedRows<T> {
  readonly #db: Statements;
  readonly #table: "jobs" | "deleted_jobs";
  readonly #read: (row: unknown) => T;
  readonly #onWrite: (jobId: string) => void;
  #since: string | undefined;
  /** By revision: what was written here or heard of, and by which transaction. */
  readonly #known = new Map<number, bigint>();

  /** @param onWrite hears of each row that is written here. */
  constructor(
    db: Statements,
    table: "jobs" | "deleted_jobs",
    read: (row: unknown) => T,
    onWrite: (jobId: string) => void,
  ) {
    this.#db = db;
    this.#table = table;
    this.#read = read;
    this.#onWrite = onWrite;
  }

  /** To be called once before everything else: what is there by then is no news. */
  async begin(): Promise<void> {
    const [row] = await this.#db.all(`SELECT ${HORIZON}`, []);
    const { horizon } = horizonRow.parse(row);
    const young = await this.#db.all(
      `SELECT revision, CAST(xact AS text) AS xact FROM ${this.#table} WHERE xact >= CAST(CAST(? AS text) AS xid8)`,
      [horizon],
    );
    for (const one of young) this.#note(one);
    this.#since = horizon;
  }

  /** Notes a row that was written here. */
  wrote(row: unknown): void {
    this.#note(row);
    this.#onWrite(namedRow.parse(row).job_id);
  }

  #note(row: unknown): void {
    const { revision, xact } = stampedRow.parse(row);
    this.#known.set(revision, xact);
  }

  /** What others have written since the last look, some at a time. */
  async changes(): Promise<T[]> {
    if (this.#since === undefined) await this.begin();
    const known = JSON.stringify([...this.#known.keys()].map(String));
    const rows = await this.#db.all(
      `WITH seen AS (SELECT ${HORIZON})
       SELECT changed.*, horizon FROM seen LEFT JOIN (
         SELECT * FROM ${this.#table} WHERE xact >= CAST(CAST(? AS text) AS xid8)
         AND CAST(revision AS text) NOT IN ${LISTED} ORDER BY revision LIMIT ${AT_ONCE}
       ) AS changed ON TRUE ORDER BY revision`,
      [this.#since ?? "0", known],
    );
    const changed = rows.filter((row) => stampedRow.safeParse(row).success);
    for (const row of changed) this.#note(row);
    // What there is beyond these comes with the next look.
    if (changed.length < AT_ONCE) this.#forget(horizonRow.parse(rows[0]).horizon);
    return changed.map(this.#read);
  }

  #forget(horizon: string): void {
    this.#since = horizon;
    const before = BigInt(horizon);
    for (const [revision, xact] of this.#known) if (xact < before) this.#known.delete(revision);
  }
}
