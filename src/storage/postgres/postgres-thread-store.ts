import {
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
import { pageCursor, readCursor, sequenceRow } from "../rows/cursors.ts";
import {
  fileRow,
  NOT_ANOTHERS,
  partRow,
  saidRow,
  THREAD_COLUMNS,
  THREADS_OF,
  threadRow,
} from "../rows/thread-rows.ts";
import { type PostgresDatabase, storedJson } from "./database.ts";
import type { FollowedJobs } from "./followed-jobs.ts";
import { matchingWords, writeTurnWords } from "./found-words.ts";
import { noteAudit } from "./postgres-audit-log.ts";
import { fileNamesOf, pageOfTurns, usageOf } from "./thread-pages.ts";
import {
  insertFiles,
  isUnderWayNow,
  openTurn,
  ownersOf,
  refuseAnothers,
  removeThread,
  removeTurn,
  sweepThreads,
  threadLock,
  turnsOf,
} from "./turn-changes.ts";

/** As SQL, of a query: the threads with a turn in which it is found. */
const THREADS_WITH = `(SELECT thread_id FROM turn_words JOIN chat_turns USING (seq)
  WHERE asked @@ CAST(CAST(? AS text) AS tsquery))`;
/** As SQL, of a fence or nothing: the turn is not over, and its job is not another process's by now. */
const GOES_ON = `is_open = 1 AND NOT EXISTS (SELECT 1 FROM jobs
  WHERE jobs.job_id = chat_turns.job_id AND fence <> coalesce(?, fence))`;

/** Conversations beside the jobs. */
export class PostgresThreadStore implements ThreadStore {
  readonly #db: PostgresDatabase;
  readonly #followed: FollowedJobs;

  /** @param followed the fences of the jobs that this process follows: answers are written with them. */
  constructor(db: PostgresDatabase, followed: FollowedJobs) {
    this.#db = db;
    this.#followed = followed;
  }

  async sweep(now: number): Promise<void> {
    await this.#db.transaction((db) => sweepThreads(db, now - LEFT_BEHIND_MS));
  }

  async begin(owner: string, turn: NewTurn): Promise<{ busyWith: string | undefined }> {
    const { jobId, threadId, request, title, now } = turn;
    return this.#db.transaction(async (db) => {
      await db.lock(threadLock(threadId));
      await refuseAnothers(db, owner, threadId);
      const open = await openTurn(db, owner, threadId);
      if (open && (await isUnderWayNow(db, open, now))) return { busyWith: open.jobId };
      if (open) await db.run("UPDATE chat_turns SET is_open = 0 WHERE seq = ?", [open.seq]);
      const [row] = await db.all(
        `INSERT INTO chat_turns (job_id, thread_id, request, model, prompt, is_open, created_at)
         VALUES (?, ?, ?, ?, ?, 1, ?) RETURNING seq`,
        [jobId, threadId, JSON.stringify(request), request.model, request.prompt, now],
      );
      const { seq } = sequenceRow.parse(row);
      await db.run(
        `INSERT INTO chat_threads (thread_id, owner, title, latest, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (thread_id)
         DO UPDATE SET latest = excluded.latest, updated_at = excluded.updated_at`,
        [threadId, owner, title, seq, now, now],
      );
      await writeTurnWords(db, seq, request.prompt, await fileNamesOf(db, jobId));
      return { busyWith: undefined };
    });
  }

  async busyWith(owner: string, threadId: string, now: number): Promise<string | undefined> {
    const open = await openTurn(this.#db, owner, threadId);
    return open && (await isUnderWayNow(this.#db, open, now)) ? open.jobId : undefined;
  }

  async takeBack(owner: string, jobId: string): Promise<void> {
    await this.#db.transaction(async (db) => {
      const isTheirs = (await db.all(`SELECT 1 WHERE ${NOT_ANOTHERS}`, [jobId, owner])).length > 0;
      if (isTheirs) await removeTurn(db, owner, jobId);
    });
  }

  async append(owner: string, jobId: string, part: number, said: Said): Promise<void> {
    // Once more with more in it, where nobody knows whether the first time was recorded: what the
    // server does late takes nothing of that away.
    await this.#db.run(
      `INSERT INTO chat_parts (job_id, part, answer, reasoning)
       SELECT job_id, CAST(? AS bigint), CAST(? AS text), CAST(? AS text) FROM chat_turns
       WHERE job_id = ? AND thread_id IN ${THREADS_OF} AND ${GOES_ON}
       ON CONFLICT (job_id, part)
       DO UPDATE SET answer = excluded.answer, reasoning = excluded.reasoning
       WHERE length(excluded.answer) >= length(chat_parts.answer)
       AND length(excluded.reasoning) >= length(chat_parts.reasoning)`,
      [part, said.answer, said.reasoning, jobId, owner, this.#followed.fenceOf(jobId)],
    );
  }

  async finish(
    owner: string,
    jobId: string,
    outcome: TurnOutcome | undefined,
    now: number,
  ): Promise<void> {
    await this.#db.transaction(async (db) => {
      const ended = await db.all(
        `UPDATE chat_turns SET outcome = ?, is_open = 0
         WHERE job_id = ? AND thread_id IN ${THREADS_OF} AND ${GOES_ON} RETURNING 1`,
        [outcome ? storedJson(outcome) : null, jobId, owner, this.#followed.fenceOf(jobId)],
      );
      if (ended.length === 0) return;
      await db.run(
        `UPDATE chat_threads SET updated_at = ? WHERE owner = ?
         AND thread_id = (SELECT thread_id FROM chat_turns WHERE job_id = ?)`,
        [now, owner, jobId],
      );
      const { inputTokens, outputTokens } = outcome ?? {};
      if (inputTokens === undefined && outputTokens === undefined) return;
      await db.run(
        `INSERT INTO chat_usage (job_id, owner, created_at, model, tokens_in, tokens_out)
         SELECT job_id, owner, chat_turns.created_at, model,
           CAST(? AS bigint), CAST(? AS bigint)
         FROM chat_turns JOIN chat_threads USING (thread_id) WHERE job_id = ? AND owner = ?
         ON CONFLICT (job_id)
         DO UPDATE SET tokens_in = excluded.tokens_in, tokens_out = excluded.tokens_out`,
        [inputTokens ?? 0, outputTokens ?? 0, jobId, owner],
      );
    });
  }

  async turn(owner: string, jobId: string): Promise<Turn | undefined> {
    return (await turnsOf(this.#db, owner, "job_id = ?", [jobId]))[0];
  }

  async page(owner: string, threadId: string, wishes: PageWishes): Promise<TurnPage> {
    const isTheirs = (await this.thread(owner, threadId)) !== undefined;
    if (!isTheirs) return { turns: [], hasEarlier: false };
    return pageOfTurns(this.#db, threadId, wishes);
  }

  async turns(owner: string, threadId: string): Promise<Turn[]> {
    return turnsOf(this.#db, owner, "thread_id = ?", [threadId]);
  }

  async said(owner: string, jobId: string): Promise<Said> {
    const rows = await this.#db.all(
      `SELECT answer, reasoning FROM chat_parts JOIN chat_turns USING (job_id)
       WHERE job_id = ? AND thread_id IN ${THREADS_OF} ORDER BY part`,
      [jobId, owner],
    );
    const parts = rows.map((row) => saidRow.parse(row));
    return {
      answer: parts.map(({ answer }) => answer).join(""),
      reasoning: parts.map(({ reasoning }) => reasoning).join(""),
    };
  }

  async files(owner: string, threadId: string): Promise<ThreadFile[]> {
    const rows = await this.#db.all(
      `SELECT f.* FROM chat_files f JOIN chat_turns t ON t.job_id = f.job_id
       WHERE f.thread_id = ? AND t.thread_id IN ${THREADS_OF} ORDER BY t.seq, f.position`,
      [threadId, owner],
    );
    return rows.map((row) => fileRow.parse(row));
  }

  async attach(
    owner: string,
    threadId: string,
    pieces: readonly FilePiece[],
    files: readonly ThreadFile[],
    now: number,
  ): Promise<void> {
    await this.#db.transaction(async (db) => {
      await db.lock(threadLock(threadId));
      await refuseAnothers(db, owner, threadId);
      await insertFiles(db, threadId, pieces, files, now);
    });
  }

  async detach(owner: string, jobId: string, position: number): Promise<void> {
    await this.#db.run(
      `DELETE FROM chat_file_parts WHERE job_id = ? AND position = ? AND ${NOT_ANOTHERS}`,
      [jobId, position, jobId, owner],
    );
  }

  content(owner: string, file: ThreadFile): ReturnType<ThreadStore["content"]> {
    const db = this.#db;
    const { jobId, position, jsonBytes } = file;
    return {
      jsonBytes,
      async *pieces() {
        for (let part = 0; ; part++) {
          const [row] = await db.all(
            `SELECT content FROM chat_file_parts
             WHERE job_id = ? AND position = ? AND part = ? AND ${NOT_ANOTHERS}`,
            [jobId, position, part, jobId, owner],
          );
          if (row === undefined) return;
          yield partRow.parse(row).content;
        }
      },
    };
  }

  async thread(owner: string, threadId: string): Promise<Thread | undefined> {
    const [row] = await this.#db.all(
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
    // Each word in any turn: what is looked for is a conversation.
    const found = words.map((word) => matchingWords([word]));
    const rows = await this.#db.all(
      `SELECT ${THREAD_COLUMNS} FROM chat_threads WHERE owner = ? AND latest < ?
       ${found.map(() => `AND thread_id IN ${THREADS_WITH}`).join(" ")}
       ORDER BY latest DESC LIMIT ?`,
      [owner, readCursor(cursor), ...found, limit + 1],
    );
    const all = rows.map((row) => threadRow.parse(row));
    const page = all.slice(0, limit);
    const last = page.at(-1);
    return {
      threads: page.map(({ thread }) => thread),
      nextCursor: all.length > limit && last ? pageCursor(last.latest) : undefined,
    };
  }

  async usage(owner: string, span: TimeSpan): Promise<ModelUsage[]> {
    return usageOf(this.#db, owner, span);
  }

  async delete(owner: string, threadId: string, now: number): Promise<Deletion> {
    return this.#db.transaction(async (db): Promise<Deletion> => {
      await db.lock(threadLock(threadId));
      const owners = await ownersOf(db, threadId);
      if (!owners.includes(owner)) return { busyWith: undefined, keptFiles: [] };
      const open = await openTurn(db, owner, threadId);
      if (open && (await isUnderWayNow(db, open, now))) return { busyWith: open.jobId };
      const keptFiles = await removeThread(db, threadId, now);
      await noteAudit(db, { at: now, event: "thread_deleted", owner, threadId });
      return { busyWith: undefined, keptFiles };
    });
  }
}
