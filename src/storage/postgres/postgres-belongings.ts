import * as z from "zod";
import { type Belongings, type Removed, whyNotRemoved } from "../../users/belongings.ts";
import { UNFINISHED } from "../rows/job-rows.ts";
import type { PostgresDatabase, Statements } from "./database.ts";
import { DeletedJobs } from "./job-deletion-rows.ts";

const idRow = z.object({ job_id: z.string() });

/** All tables in which something is somebody's. */
export class PostgresBelongings implements Belongings {
  readonly #db: PostgresDatabase;
  readonly #jobs: DeletedJobs;

  constructor(db: PostgresDatabase) {
    this.#db = db;
    this.#jobs = new DeletedJobs(db);
  }

  async requireFinished(owner: string): Promise<void> {
    const reason = whyNotRemoved(await unfinished(this.#db, owner));
    if (reason) throw reason;
  }

  async remove(owner: string, { force, now }: { force: boolean; now: number }): Promise<Removed> {
    return this.#db.transaction(async (db) => {
      const reason = force ? undefined : whyNotRemoved(await unfinished(db, owner));
      if (reason) throw reason;
      for (const table of ["sessions", "visits"]) {
        await db.run(`DELETE FROM ${table} WHERE owner = ?`, [owner]);
      }
      const threads = await removeThreads(db, owner);
      return { threads, jobs: await this.#jobs.deleteAllOf(db, owner, now) };
    });
  }
}

async function unfinished(db: Statements, owner: string): Promise<string[]> {
  const sql = `SELECT job_id FROM jobs WHERE owner = ? AND ${UNFINISHED} ORDER BY seq`;
  return (await db.all(sql, [owner])).map((row) => idRow.parse(row).job_id);
}

async function removeThreads(db: Statements, owner: string): Promise<number> {
  const threads = "(SELECT thread_id FROM chat_threads WHERE owner = ?)";
  const turns = `(SELECT job_id FROM chat_turns WHERE thread_id IN ${threads})`;
  for (const table of ["chat_parts", "chat_file_parts", "chat_files"]) {
    await db.run(`DELETE FROM ${table} WHERE job_id IN ${turns}`, [owner]);
  }
  await db.run(`DELETE FROM chat_turns WHERE thread_id IN ${threads}`, [owner]);
  return (await db.all("DELETE FROM chat_threads WHERE owner = ? RETURNING thread_id", [owner]))
    .length;
}
