import type { Job } from "../../jobs/job.ts";
import type { ListedJob } from "../../jobs/job-store.ts";
import { isNamedIn, type LineageRecord } from "../../jobs/lineage.ts";
import { marks, readListed, readWholeRow } from "../rows/job-rows.ts";
import { asWritten, firstThatHas, MAX_LOOKED_AT, MAX_SHARING } from "../rows/lineage-rows.ts";
import type { Connection } from "./connection.ts";
import { PROMPT } from "./list-rows.ts";

/** Which job was given which files, as the job database has it. */
export class SqliteLineage implements LineageRecord {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async thatName(
    owner: string,
    names: readonly string[],
    { jobId }: Pick<Job, "jobId">,
    operations: readonly string[],
    limit: number,
  ): Promise<ListedJob[]> {
    if (names.length === 0 || operations.length === 0) return [];
    const rows = this.#connection.all(
      `SELECT *, ${PROMPT} FROM (
         SELECT jobs.*, input, NULL AS wire FROM jobs JOIN job_bodies USING (job_id)
         WHERE owner = ? AND operation IN (${marks(operations)})
         AND seq > (SELECT seq FROM jobs WHERE job_id = ?) ORDER BY seq DESC LIMIT ${MAX_LOOKED_AT}
       ) AS jobs WHERE ${names.map(() => "instr(input, ?) > 0").join(" OR ")}`,
      [owner, ...operations, jobId, ...names.map(asWritten)],
    );
    // A name can be the beginning of another, and a prompt may have it too.
    return rows
      .filter((row) => isNamedIn(readWholeRow(row), names))
      .slice(0, limit)
      .map(readListed);
  }

  async thatHas(owner: string, name: string): Promise<Job | undefined> {
    const rows = this.#connection.all(
      `SELECT * FROM (SELECT * FROM jobs WHERE owner = ? ORDER BY seq DESC LIMIT ${MAX_LOOKED_AT})
       WHERE instr(media, ?) > 0 LIMIT ${MAX_SHARING}`,
      [owner, asWritten(name)],
    );
    return firstThatHas(rows, name);
  }
}
