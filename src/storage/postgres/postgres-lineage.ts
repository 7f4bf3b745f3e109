import type { Job } from "../../jobs/job.ts";
import type { ListedJob } from "../../jobs/job-store.ts";
import { isNamedIn, type LineageRecord } from "../../jobs/lineage.ts";
import { marks, readListed, readWholeRow } from "../rows/job-rows.ts";
import { asWritten, firstThatHas, MAX_LOOKED_AT, MAX_SHARING } from "../rows/lineage-rows.ts";
import type { Statements } from "./database.ts";

/** Which job was given which files. */
export class PostgresLineage implements LineageRecord {
  readonly #db: Statements;

  constructor(db: Statements) {
    this.#db = db;
  }

  async thatName(
    owner: string,
    names: readonly string[],
    { jobId }: Pick<Job, "jobId">,
    operations: readonly string[],
    limit: number,
  ): Promise<ListedJob[]> {
    if (names.length === 0 || operations.length === 0) return [];
    const rows = await this.#db.all(
      `SELECT * FROM (
         SELECT jobs.*, input, prompt, NULL AS wire FROM jobs JOIN job_bodies USING (job_id)
         WHERE owner = ? AND operation IN (${marks(operations)})
         AND seq > (SELECT seq FROM jobs WHERE job_id = ?) ORDER BY seq DESC LIMIT ${MAX_LOOKED_AT}
       ) AS jobs WHERE ${names.map(() => "strpos(input, ?) > 0").join(" OR ")} ORDER BY seq DESC`,
      [owner, ...operations, jobId, ...names.map(asWritten)],
    );
    // A name can be the beginning of another, and a prompt may have it too.
    return rows
      .filter((row) => isNamedIn(readWholeRow(row), names))
      .slice(0, limit)
      .map(readListed);
  }

  async thatHas(owner: string, name: string): Promise<Job | undefined> {
    const rows = await this.#db.all(
      `SELECT * FROM (SELECT * FROM jobs WHERE owner = ? ORDER BY seq DESC LIMIT ${MAX_LOOKED_AT})
       AS jobs WHERE strpos(media, ?) > 0 ORDER BY seq DESC LIMIT ${MAX_SHARING}`,
      [owner, asWritten(name)],
    );
    return firstThatHas(rows, name);
  }
}
