import * as z from "zod";
import type { StoredVisit, VisitRecord } from "../../users/visit-record.ts";
import type { PostgresDatabase } from "./database.ts";

const visitRow = z
  .object({ handle: z.string(), owner: z.string(), voucher: z.string(), ends_at: z.number() })
  .transform(({ ends_at: endsAt, ...visit }): StoredVisit => ({ ...visit, endsAt }));

/** Who was let in to see pages, for all machines. */
export class PostgresVisitRecord implements VisitRecord {
  readonly #db: PostgresDatabase;

  constructor(db: PostgresDatabase) {
    this.#db = db;
  }

  async begin(
    { handle, owner, voucher, endsAt }: StoredVisit,
    most: number,
    now: number,
  ): Promise<void> {
    await this.#db.transaction(async (db) => {
      await db.lock(`visits of ${owner}`);
      await db.run("DELETE FROM visits WHERE ends_at <= ?", [now]);
      await db.run(
        `DELETE FROM visits WHERE owner = ? AND seq NOT IN (
           SELECT seq FROM visits WHERE owner = ? ORDER BY seq DESC LIMIT ?)`,
        [owner, owner, most - 1],
      );
      await db.run("INSERT INTO visits (handle, owner, voucher, ends_at) VALUES (?, ?, ?, ?)", [
        ...[handle, owner, voucher, endsAt],
      ]);
    });
  }

  async find(handle: string, now: number): Promise<StoredVisit | undefined> {
    const [row] = await this.#db.all(
      "SELECT handle, owner, voucher, ends_at FROM visits WHERE handle = ? AND ends_at > ?",
      [handle, now],
    );
    return row === undefined ? undefined : visitRow.parse(row);
  }

  async end(handle: string): Promise<void> {
    await this.#db.run("DELETE FROM visits WHERE handle = ?", [handle]);
  }
}
