import {
  isUnderWay,
  LEFT_BEHIND_MS,
  type Said,
  type Thread,
  type ThreadFile,
  type Turn,
  type TurnOutcome,
} from "../../chat/thread.ts";
import type {
  Deletion,
  FilePiece,
  ModelUsage,
  NewTurn,
  PageWishes,
  ThreadPage,
  ThreadStore,
  TurnPage,
} from "../../chat/thread-store.ts";
import type { QueryWord } from "../../core/search-words.ts";
import type { TimeSpan } from "../../jobs/job-store.ts";
import { pageCursor, readCursor } from "../rows/cursors.ts";
import { noThread } from "../rows/refusals.ts";
import {
  fileRow,
  NOT_ANOTHERS,
  ownerRow,
  saidRow,
  stateRow,
  THREAD_COLUMNS,
  THREADS_OF,
  threadRow,
  turnRow,
} from "../rows/thread-rows.ts";
import type { Connection } from "./connection.ts";
import { fillWords } from "./search-filling.ts";
import { insertTurnWords, matching } from "./search-rows.ts";
import { noteAudit } from "./sqlite-audit-log.ts";
import { insertFiles, storedText } from "./thread-files.ts";
import { removeThread, removeTurn, sweepThreads } from "./thread-removal.ts";
import { turnPage } from "./turn-page.ts";
import { noteUsage, usageOf } from "./usage-rows.ts";

/** As SQL, of a query: the threads with a turn in which it is found. */
const THREADS_WITH = `(SELECT thread_id FROM turn_words
  JOIN chat_turns ON chat_turns.seq = turn_words.rowid WHERE turn_words MATCH ?)`;

/** As SQL, of a holder or nothing: the turn is not over, and its job is not another process's by now. */
const GOES_ON = `is_open = 1 AND NOT EXISTS (SELECT 1 FROM jobs
  WHERE jobs.job_id = chat_turns.job_id AND lease_holder <> coalesce(?, lease_holder))`;

/** Conversations in the tables beside the jobs, in the same file. */
export class SqliteThreadStore implements ThreadStore {
  readonly #db: Connection;
  readonly #holder: string | null;

  /** @param holder this process, as leases name it: answers are written only to what it holds. */
  constructor(db: Connection, holder?: string) {
    this.#db = db;
    this.#holder = holder ?? null;
  }

  async sweep(now: number): Promise<void> {
    this.#db.transaction(() => sweepThreads(this.#db, now - LEFT_BEHIND_MS));
  }

  async begin(owner: string, turn: NewTurn): Promise<{ busyWith: string | undefined }> {
    const { jobId, threadId, request, title, now } = turn;
    return this.#db.transaction(() => {
      this.#refuseAnothers(owner, threadId);
      const open = this.#openTurn(owner, threadId);
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
      insertTurnWords(this.#db, owner, jobId);
      return { busyWith: undefined };
    });
  }

  async busyWith(owner: string, threadId: string, now: number): Promise<string | undefined> {
    const open = this.#openTurn(owner, threadId);
    return open && this.#isUnderWay(open, now) ? open.jobId : undefined;
  }

  async takeBack(owner: string, jobId: string): Promise<void> {
    this.#db.transaction(() => {
      const others = this.#db.all(`SELECT 1 WHERE ${NOT_ANOTHERS}`, [jobId, owner]).length === 0;
      if (!others) removeTurn(this.#db, owner, jobId);
    });
  }

  async append(owner: string, jobId: string, part: number, said: Said): Promise<void> {
    this.#db.run(
      `INSERT INTO chat_parts (job_id, part, answer, reasoning)
       SELECT job_id, ?, ?, ? FROM chat_turns
       WHERE job_id = ? AND thread_id IN ${THREADS_OF} AND ${GOES_ON}
       ON CONFLICT (job_id, part)
       DO UPDATE SET answer = excluded.answer, reasoning = excluded.reasoning`,
      [part, said.answer, said.reasoning, jobId, owner, this.#holder],
    );
  }

  async finish(
    owner: string,
    jobId: string,
    outcome: TurnOutcome | undefined,
    now: number,
  ): Promise<void> {
    this.#db.transaction(() => {
      const ended = this.#db.all(
        `UPDATE chat_turns SET outcome = ?, is_open = 0
         WHERE job_id = ? AND thread_id IN ${THREADS_OF} AND ${GOES_ON} RETURNING 1`,
        [outcome ? JSON.stringify(outcome) : null, jobId, owner, this.#holder],
      );
      if (ended.length === 0) return;
      this.#db.run(
        `UPDATE chat_threads SET updated_at = ? WHERE owner = ?
         AND thread_id = (SELECT thread_id FROM chat_turns WHERE job_id = ?)`,
        [now, owner, jobId],
      );
      if (outcome) noteUsage(this.#db, owner, jobId, outcome);
    });
  }

  async turn(owner: string, jobId: string): Promise<Turn | undefined> {
    return this.#turns(owner, "job_id = ?", [jobId])[0];
  }

  async page(owner: string, threadId: string, wishes: PageWishes): Promise<TurnPage> {
    const isTheirs = (await this.thread(owner, threadId)) !== undefined;
    return isTheirs ? turnPage(this.#db, threadId, wishes) : { turns: [], hasEarlier: false };
  }

  async turns(owner: string, threadId: string): Promise<Turn[]> {
    return this.#turns(owner, "thread_id = ?", [threadId]);
  }

  async said(owner: string, jobId: string): Promise<Said> {
    const rows = this.#db
      .all(
        `SELECT answer, reasoning FROM chat_parts JOIN chat_turns USING (job_id)
         WHERE job_id = ? AND thread_id IN ${THREADS_OF} ORDER BY part`,
        [jobId, owner],
      )
      .map((row) => saidRow.parse(row));
    return {
      answer: rows.map(({ answer }) => answer).join(""),
      reasoning: rows.map(({ reasoning }) => reasoning).join(""),
    };
  }

  async files(owner: string, threadId: string): Promise<ThreadFile[]> {
    return this.#db
      .all(
        `SELECT f.* FROM chat_files f JOIN chat_turns t ON t.job_id = f.job_id
         WHERE f.thread_id = ? AND t.thread_id IN ${THREADS_OF} ORDER BY t.seq, f.position`,
        [threadId, owner],
      )
      .map((row) => fileRow.parse(row));
  }

  async attach(
    owner: string,
    threadId: string,
    pieces: readonly FilePiece[],
    files: readonly ThreadFile[],
    now: number,
  ): Promise<void> {
    this.#db.transaction(() => {
      this.#refuseAnothers(owner, threadId);
      insertFiles(this.#db, threadId, pieces, files, now);
    });
  }

  async detach(owner: string, jobId: string, position: number): Promise<void> {
    this.#db.run(
      `DELETE FROM chat_file_parts WHERE job_id = ? AND position = ? AND ${NOT_ANOTHERS}`,
      [jobId, position, jobId, owner],
    );
  }

  content(owner: string, file: ThreadFile): ReturnType<ThreadStore["content"]> {
    return storedText(this.#db, owner, file);
  }

  async thread(owner: string, threadId: string): Promise<Thread | undefined> {
    const [row] = this.#db.all(
      `SELECT ${THREAD_COLUMNS} FROM chat_threads WHERE owner = ? AND thread_id = ?`,
      [owner, threadId],
    );
    return row === undefined ? undefined : threadRow.parse(row).thread;
  }

  async list(
    owner: string,
    limit: number,
    cursor: string | undefined,
    words: readonly QueryWord[] = [],
  ): Promise<ThreadPage> {
    if (words.length > 0) await fillWords(this.#db, "turn_words");
    // Each word in any turn: what is looked for is a conversation.
    const found = words.map((word) => matching([word], owner));
    const rows = this.#db
      .all(
        `SELECT ${THREAD_COLUMNS} FROM chat_threads WHERE owner = ? AND latest < ?
         ${found.map(() => `AND thread_id IN ${THREADS_WITH}`).join(" ")}
         ORDER BY latest DESC LIMIT ?`,
        [owner, readCursor(cursor), ...found, limit + 1],
      )
      .map((row) => threadRow.parse(row));
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      threads: page.map(({ thread }) => thread),
      nextCursor: rows.length > limit && last ? pageCursor(last.latest) : undefined,
    };
  }

  async usage(owner: string, span: TimeSpan): Promise<ModelUsage[]> {
    return usageOf(this.#db, owner, span);
  }

  async delete(owner: string, threadId: string, now: number): Promise<Deletion> {
    const deletion = this.#db.transaction((): Deletion => {
      const owners = this.#ownersOf(threadId);
      if (!owners.includes(owner)) return { busyWith: undefined, keptFiles: [] };
      const open = this.#openTurn(owner, threadId);
      if (open && this.#isUnderWay(open, now)) return { busyWith: open.jobId };
      const keptFiles = removeThread(this.#db, threadId, now);
      noteAudit(this.#db, { at: now, event: "thread_deleted", owner, threadId });
      return { busyWith: undefined, keptFiles };
    });
    if (deletion.busyWith === undefined) this.#db.scrub();
    return deletion;
  }

  /** @throws {not_found} for a thread that somebody else has. */
  #refuseAnothers(owner: string, threadId: string): void {
    if (this.#ownersOf(threadId).every((one) => one === owner)) return;
    throw noThread(threadId);
  }

  /** One; none of a thread that is not there. */
  #ownersOf(threadId: string): string[] {
    return this.#db
      .all("SELECT owner FROM chat_threads WHERE thread_id = ?", [threadId])
      .map((row) => ownerRow.parse(row).owner);
  }

  #isUnderWay(turn: Turn, now: number): boolean {
    const [row] = this.#db.all("SELECT state FROM jobs WHERE job_id = ?", [turn.jobId]);
    return isUnderWay(turn, row === undefined ? undefined : stateRow.parse(row).state, now);
  }

  #openTurn(owner: string, threadId: string): Turn | undefined {
    return this.#turns(owner, "thread_id = ? AND is_open = 1", [threadId])[0];
  }

  #turns(owner: string, condition: string, values: readonly string[]): Turn[] {
    return this.#db
      .all(
        `SELECT * FROM chat_turns WHERE ${condition} AND thread_id IN ${THREADS_OF} ORDER BY seq`,
        [...values, owner],
      )
      .map((row) => turnRow.parse(row));
  }
}
