import { AppError } from "../../core/errors.ts";
import type { StoredText } from "../../gateway/chat-body.ts";
import type { Connection } from "./connection.ts";
import {
  type Deletion,
  fileRow,
  keptRow,
  partRow,
  type Said,
  saidRow,
  type Thread,
  type ThreadFile,
  type ThreadPage,
  type Turn,
  type TurnOutcome,
  type TurnRequest,
  threadRow,
  turnRow,
  unfinishedRow,
} from "./thread-rows.ts";
import { type PageWishes, type TurnPage, turnPage } from "./turn-page.ts";

const DAY_MS = 86_400_000;
/** A turn whose job was never recorded, because its process died in between. */
const STALE_MS = 60_000;
const UNFINISHED = "('queued', 'submitting', 'running', 'downloading')";

const THREAD_COLUMNS = `thread_id, title, latest, created_at, updated_at,
  (SELECT count(*) FROM chat_turns WHERE chat_turns.thread_id = chat_threads.thread_id) AS turns,
  (SELECT count(*) FROM chat_files JOIN chat_turns USING (job_id)
   WHERE chat_files.thread_id = chat_threads.thread_id) AS files`;

/**
 * Conversations: their turns, what was attached and what was answered, kept beside the jobs. Every
 * write is on disk when its promise resolves. All methods throw {storage}.
 */
export class ThreadStore {
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
  }

  /** Ends turns whose job has ended, and removes what was never recorded and left behind. */
  async sweep(now: number): Promise<void> {
    const before = now - DAY_MS;
    this.#db.transaction(() => {
      this.#db.run(
        `UPDATE chat_turns SET is_open = 0 WHERE is_open = 1
         AND job_id IN (SELECT job_id FROM jobs WHERE state NOT IN ${UNFINISHED})`,
        [],
      );
      this.#db.run(
        `DELETE FROM chat_turns
         WHERE is_open = 1 AND created_at < ? AND job_id NOT IN (SELECT job_id FROM jobs)`,
        [before],
      );
      for (const table of ["chat_file_parts", "chat_files"]) {
        this.#db.run(
          `DELETE FROM ${table}
           WHERE created_at < ? AND job_id NOT IN (SELECT job_id FROM chat_turns)`,
          [before],
        );
      }
    });
  }

  /**
   * Adds a turn to a thread, which is made if it is new. A thread has one turn under way at most.
   * @returns the job of the turn that is under way instead, if there is one.
   */
  async begin(
    owner: string,
    turn: { jobId: string; threadId: string; request: TurnRequest; title: string; now: number },
  ): Promise<{ busyWith: string | undefined }> {
    const { jobId, threadId, request, title, now } = turn;
    return this.#db.transaction(() => {
      const open = this.#turn("thread_id = ? AND is_open = 1", [threadId]);
      if (open && this.#isUnderWay(open, now)) return { busyWith: open.jobId };
      if (open) this.#db.run("UPDATE chat_turns SET is_open = 0 WHERE seq = ?", [open.seq]);
      this.#db.run(
        `INSERT INTO chat_turns (job_id, thread_id, request, is_open, created_at)
         VALUES (?, ?, ?, 1, ?)`,
        [jobId, threadId, JSON.stringify(request), now],
      );
      this.#db.run(
        `INSERT INTO chat_threads (thread_id, owner, title, latest, created_at, updated_at)
         VALUES (?, ?, ?, last_insert_rowid(), ?, ?)
         ON CONFLICT (thread_id)
         DO UPDATE SET latest = excluded.latest, updated_at = excluded.updated_at`,
        [threadId, owner, title, now, now],
      );
      return { busyWith: undefined };
    });
  }

  /** Takes back a turn that will never be sent, and its thread if it was the only one. */
  async takeBack(jobId: string): Promise<void> {
    this.#db.transaction(() => {
      for (const table of ["chat_turns", "chat_parts", "chat_files", "chat_file_parts"]) {
        this.#db.run(`DELETE FROM ${table} WHERE job_id = ?`, [jobId]);
      }
      this.#db.run(
        "DELETE FROM chat_threads WHERE thread_id NOT IN (SELECT thread_id FROM chat_turns)",
        [],
      );
    });
  }

  /** Keeps what has newly come of an answer. */
  async append(jobId: string, part: number, said: Said): Promise<void> {
    this.#db.run("INSERT INTO chat_parts (job_id, part, answer, reasoning) VALUES (?, ?, ?, ?)", [
      jobId,
      part,
      said.answer,
      said.reasoning,
    ]);
  }

  /** Ends a turn; without an outcome where nothing came. */
  async finish(jobId: string, outcome: TurnOutcome | undefined, now: number): Promise<void> {
    this.#db.transaction(() => {
      this.#db.run("UPDATE chat_turns SET outcome = ?, is_open = 0 WHERE job_id = ?", [
        outcome ? JSON.stringify(outcome) : null,
        jobId,
      ]);
      this.#db.run(
        `UPDATE chat_threads SET updated_at = ?
         WHERE thread_id = (SELECT thread_id FROM chat_turns WHERE job_id = ?)`,
        [now, jobId],
      );
    });
  }

  async turn(jobId: string): Promise<Turn | undefined> {
    return this.#turn("job_id = ?", [jobId]);
  }

  /** The newest turns of a thread before one of them, with the beginnings of their texts. */
  async page(threadId: string, wishes: PageWishes): Promise<TurnPage> {
    return turnPage(this.#db, threadId, wishes);
  }

  /** A thread's turns, oldest first, with all that was asked: for sending and for the whole page. */
  async turns(threadId: string): Promise<Turn[]> {
    return this.#db
      .all("SELECT * FROM chat_turns WHERE thread_id = ? ORDER BY seq", [threadId])
      .map((row) => turnRow.parse(row));
  }

  async said(jobId: string): Promise<Said> {
    const rows = this.#db
      .all("SELECT answer, reasoning FROM chat_parts WHERE job_id = ? ORDER BY part", [jobId])
      .map((row) => saidRow.parse(row));
    return {
      answer: rows.map(({ answer }) => answer).join(""),
      reasoning: rows.map(({ reasoning }) => reasoning).join(""),
    };
  }

  /**
   * What is attached to a thread, in the order in which it was. What a turn was about to attach is
   * not, until the turn is there: its process may have died in between.
   */
  async files(threadId: string): Promise<ThreadFile[]> {
    return this.#db
      .all(
        `SELECT f.* FROM chat_files f JOIN chat_turns t ON t.job_id = f.job_id
         WHERE f.thread_id = ? ORDER BY t.seq, f.position`,
        [threadId],
      )
      .map((row) => fileRow.parse(row));
  }

  /** Keeps pieces of files, and the files that are complete, in one go. */
  async attach(
    threadId: string,
    pieces: readonly { jobId: string; position: number; part: number; content: Uint8Array }[],
    files: readonly ThreadFile[],
    now: number,
  ): Promise<void> {
    this.#db.transaction(() => {
      for (const { jobId, position, part, content } of pieces) {
        this.#db.run(
          `INSERT INTO chat_file_parts (job_id, position, part, created_at, content)
           VALUES (?, ?, ?, ?, ?)`,
          [jobId, position, part, now, content],
        );
      }
      for (const file of files) {
        this.#db.run(
          `INSERT INTO chat_files (job_id, position, thread_id, name, sha256, size_bytes,
             json_bytes, tokens, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          [
            file.jobId,
            file.position,
            threadId,
            file.name,
            file.sha256,
            file.sizeBytes,
            file.jsonBytes,
            file.tokens,
            now,
          ],
        );
      }
    });
  }

  /** Forgets pieces of a file that turns out not to be kept. */
  async detach(jobId: string, position: number): Promise<void> {
    this.#db.run("DELETE FROM chat_file_parts WHERE job_id = ? AND position = ?", [
      jobId,
      position,
    ]);
  }

  /** A file's text as it was attached, read piece by piece. */
  content(file: ThreadFile): StoredText {
    const db = this.#db;
    return {
      jsonBytes: file.jsonBytes,
      *pieces() {
        for (let part = 0; ; part++) {
          const [row] = db.all(
            "SELECT content FROM chat_file_parts WHERE job_id = ? AND position = ? AND part = ?",
            [file.jobId, file.position, part],
          );
          if (row === undefined) return;
          yield partRow.parse(row).content;
        }
      },
    };
  }

  async thread(owner: string, threadId: string): Promise<Thread | undefined> {
    const [row] = this.#db.all(
      `SELECT ${THREAD_COLUMNS} FROM chat_threads WHERE owner = ? AND thread_id = ?`,
      [owner, threadId],
    );
    return row === undefined ? undefined : threadRow.parse(row).thread;
  }

  /** Newest first. @throws {invalid_input} for a cursor that is not ours. */
  async list(owner: string, limit: number, cursor: string | undefined): Promise<ThreadPage> {
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(cursor);
    const rows = this.#db
      .all(
        `SELECT ${THREAD_COLUMNS} FROM chat_threads WHERE owner = ? AND latest < ?
         ORDER BY latest DESC LIMIT ?`,
        [owner, before, limit + 1],
      )
      .map((row) => threadRow.parse(row));
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      threads: page.map(({ thread }) => thread),
      nextCursor: rows.length > limit && last ? `before-${last.latest}` : undefined,
    };
  }

  /**
   * Deletes a thread with everything in it, and from its jobs what was asked and answered. Files of
   * answers stay where they are: they are the user's.
   * @returns the job that still writes to it, which keeps it from being deleted; or the files.
   */
  async delete(threadId: string, now: number): Promise<Deletion> {
    return this.#db.transaction((): Deletion => {
      const open = this.#turn("thread_id = ? AND is_open = 1", [threadId]);
      if (open && this.#isUnderWay(open, now)) return { busyWith: open.jobId };
      const turns = "(SELECT job_id FROM chat_turns WHERE thread_id = ?)";
      for (const table of ["chat_parts", "chat_file_parts", "chat_files"]) {
        this.#db.run(`DELETE FROM ${table} WHERE job_id IN ${turns}`, [threadId]);
      }
      this.#db.run("DELETE FROM chat_turns WHERE thread_id = ?", [threadId]);
      this.#db.run("DELETE FROM chat_threads WHERE thread_id = ?", [threadId]);
      return { busyWith: undefined, keptFiles: this.#emptyJobs(threadId, now) };
    });
  }

  /**
   * The jobs of a deleted thread stay, because repeats are told and costs are counted by them, but
   * tell nothing of it any more. @returns the files that they had.
   */
  #emptyJobs(threadId: string, now: number): string[] {
    const files = this.#db
      .all(
        `SELECT media.value ->> 'path' AS path, media.value ->> 'copies' AS copies
         FROM jobs, json_each(jobs.media) AS media WHERE thread_id = ? ORDER BY seq`,
        [threadId],
      )
      .map((row) => keptRow.parse(row))
      .flatMap(({ path, copies }) => [path, ...copies]);
    this.#db.run(
      `UPDATE job_bodies SET wire = NULL,
         input = json_object('model', input ->> 'model', 'thread_id', input ->> 'thread_id')
       WHERE job_id IN (SELECT job_id FROM jobs WHERE thread_id = ?)`,
      [threadId],
    );
    this.#db.run(
      `UPDATE jobs SET media = '[]', warnings = '[]', save_to = NULL, updated_at = ?,
         error = json_set(error, '$.message', 'Its thread was deleted.'),
         revision = (SELECT coalesce(max(revision), 0) + 1 FROM jobs)
       WHERE thread_id = ?`,
      [now, threadId],
    );
    return files;
  }

  #isUnderWay(turn: Turn, now: number): boolean {
    const [job] = this.#db.all(
      `SELECT state IN ${UNFINISHED} AS unfinished FROM jobs WHERE job_id = ?`,
      [turn.jobId],
    );
    if (job === undefined) return now - turn.createdAt < STALE_MS;
    return unfinishedRow.parse(job).unfinished === 1;
  }

  #turn(condition: string, values: (string | number)[]): Turn | undefined {
    const [row] = this.#db.all(`SELECT * FROM chat_turns WHERE ${condition}`, values);
    return row === undefined ? undefined : turnRow.parse(row);
  }
}

function readCursor(cursor: string): number {
  const seq = /^before-(\d{1,15})$/.exec(cursor)?.[1];
  if (seq !== undefined) return Number(seq);
  throw new AppError("invalid_input", "`cursor` must be the `next_cursor` of a previous page.");
}
