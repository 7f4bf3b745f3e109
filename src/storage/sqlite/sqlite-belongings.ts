import * as z from "zod";
import { type Belongings, type Removed, whyNotRemoved } from "../../users/belongings.ts";
import { UNFINISHED } from "../rows/job-rows.ts";
import type { Connection } from "./connection.ts";
import { JobRemoval } from "./job-removal.ts";
import { removeWords } from "./search-rows.ts";

const idRow = z.object({ job_id: z.string() });
const THREADS = "(SELECT thread_id FROM chat_threads WHERE owner = ?)";

/** All tables in which something is somebody's. */
export class SqliteBelongings implements Belongings {
  readonly #db: Connection;
  readonly #jobs: JobRemoval;

  constructor(db: Connection) {
    this.#db = db;
    this.#jobs = new JobRemoval(db);
  }

  async requireFinished(owner: string): Promise<void> {
    const reason = whyNotRemoved(this.#unfinished(owner));
    if (reason) throw reason;
  }

  async remove(owner: string, { force, now }: { force: boolean; now: number }): Promise<Removed> {
    const removed = this.#db.transaction(() => {
      const reason = force ? undefined : whyNotRemoved(this.#unfinished(owner));
      if (reason) throw reason;
      const threads = this.#removeThreads(owner);
      return { threads, jobs: this.#jobs.deleteAllOf(owner, now) };
    });
    this.#db.scrub();
    return removed;
  }

  #unfinished(owner: string): string[] {
    return this.#db
      .all(`SELECT job_id FROM jobs WHERE owner = ? AND ${UNFINISHED} ORDER BY seq`, [owner])
      .map((row) => idRow.parse(row).job_id);
  }

  #removeThreads(owner: string): number {
    const turns = `(SELECT job_id FROM chat_turns WHERE thread_id IN ${THREADS})`;
    removeWords(
      this.#db,
      "turn_words",
      `SELECT seq FROM chat_turns WHERE thread_id IN ${THREADS}`,
      [owner],
    );
    for (const table of ["chat_parts", "chat_file_parts", "chat_files"]) {
      this.#db.run(`DELETE FROM ${table} WHERE job_id IN ${turns}`, [owner]);
    }
    this.#db.run(`DELETE FROM chat_turns WHERE thread_id IN ${THREADS}`, [owner]);
    return this.#db.all("DELETE FROM chat_threads WHERE owner = ? RETURNING thread_id", [owner])
      .length;
  }
}
