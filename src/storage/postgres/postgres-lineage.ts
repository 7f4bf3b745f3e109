import type { Job } from "../../jobs/job.ts";
import type { ListedJob } from "../../jobs/job-store.ts";
import { isNamedIn, type LineageRecord } from "../../jobs/lineage.ts";
import { marks, readRow, readWholeRow } from "../rows/job-rows.ts";
import type { Statements } from "./database.ts";
import { readListed } from "./job-pages.ts";

/** Looked through at most, the newest first: a page must not wait for the whole history. */
const MAX_LOOKED_AT = 20_000;
/** More jobs do not have the same file. */
const MAX_SHARING = 20;

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
    return rows
      .map(readRow)
      .find(({ media }) =>
        media.some(({ path, url, copies }) => [path, url, ...copies].includes(name)),
      );
  }
}

/** A text as it stands inside JSON. */
function asWritten(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
