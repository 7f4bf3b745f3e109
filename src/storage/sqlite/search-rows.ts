import * as z from "zod";
import { MAX_LOOKED_THROUGH, type QueryWord, wordsIn } from "../../core/search-words.ts";
import type { WholeJob } from "../../jobs/job.ts";
import { askedWords, fileWords } from "../../jobs/job-words.ts";
import type { Connection } from "./connection.ts";
import { removeRemains } from "./search-remains.ts";

/** The indexes of words: of jobs by `jobs.seq`, of the delegate's turns by `chat_turns.seq`. */
export type WordTable = "job_words" | "turn_words";

/** No word holds it, so that nobody finds an owner's mark by looking for words. */
const OWNER_MARK = "¤";

const seqRow = z.object({ seq: z.number() });
const textRow = z.object({ text: z.string().nullable() });

/** What `MATCH` takes: all of these words, in rows of this owner, or of everybody. */
export function matching(words: readonly QueryWord[], owner: string | undefined): string {
  const terms = words.map(({ text, isBeginning }) => `"${text}"${isBeginning ? " *" : ""}`);
  const whose = owner === undefined ? [] : [`"${ownerMark(owner)}"`];
  return [...terms, ...whose].join(" AND ");
}

/** Notes that a job has been added, or that its files have other names. Within a transaction. */
export function expectJobWords(db: Connection, jobId: string): void {
  db.run("INSERT OR IGNORE INTO pending_words (seq) SELECT seq FROM jobs WHERE job_id = ?", [
    jobId,
  ]);
}

/** Makes a job found by what was asked and by its files as they are now. Within a transaction. */
export function writeJobWords(
  db: Connection,
  seq: number,
  job: Pick<WholeJob, "owner" | "jobId" | "operation" | "input" | "media">,
): void {
  // What is recorded of a turn's task is its beginning.
  const asked = askedWords(job, turnPrompt(db, job.jobId));
  db.run("INSERT OR REPLACE INTO job_words (rowid, asked, files) VALUES (?, ?, ?)", [
    seq,
    [ownerMark(job.owner), ...asked].join(" "),
    fileWords(job).join(" "),
  ]);
}

/**
 * Leaves a job to be found by no more than it is recorded to be asked for now. Within a transaction.
 */
export function rewriteJobWords(
  db: Connection,
  job: Pick<WholeJob, "owner" | "jobId" | "operation" | "input" | "media">,
): void {
  const which = "SELECT seq FROM jobs WHERE job_id = ?";
  const indexed = db.all(`SELECT rowid AS seq FROM job_words WHERE rowid IN (${which})`, [
    job.jobId,
  ]);
  removeWords(db, "job_words", which, [job.jobId]);
  // What is not there yet is filled in later, as it is then.
  for (const row of indexed) writeJobWords(db, seqRow.parse(row).seq, job);
}

/** Makes a thread found by the task of a turn and by what is attached to it. In a transaction. */
export function insertTurnWords(db: Connection, owner: string, jobId: string): void {
  const { seq } = seqRow.parse(db.all("SELECT seq FROM chat_turns WHERE job_id = ?", [jobId])[0]);
  const names = texts(db, "SELECT name AS text FROM chat_files WHERE job_id = ?", [jobId]);
  const asked = [turnPrompt(db, jobId) ?? "", ...names].flatMap(wordsIn);
  db.run("INSERT INTO turn_words (rowid, asked) VALUES (?, ?)", [
    seq,
    [ownerMark(owner), ...new Set(asked)].join(" "),
  ]);
}

/**
 * Takes rows out of an index, and with them every byte of their words. Within a transaction, and
 * before the jobs or turns themselves go.
 * @param which SQL that selects their numbers
 */
export function removeWords(
  db: Connection,
  table: WordTable,
  which: string,
  values: readonly string[],
): void {
  const columns = table === "job_words" ? "asked || ' ' || files" : "asked";
  const words = texts(
    db,
    `SELECT ${columns} AS text FROM ${table} WHERE rowid IN (${which})`,
    values,
  );
  if (words.length === 0) return;
  db.run(`DELETE FROM ${table} WHERE rowid IN (${which})`, values);
  removeRemains(db, table, new Set(words.flatMap((text) => text.split(" "))));
}

/** ASCII letters and digits, whatever the owner is called. */
function ownerMark(owner: string): string {
  return `${OWNER_MARK}${Buffer.from(owner).toString("hex")}`;
}

function turnPrompt(db: Connection, jobId: string): string | undefined {
  const sql = `SELECT substr(request ->> 'prompt', 1, ${MAX_LOOKED_THROUGH}) AS text
    FROM chat_turns WHERE job_id = ?`;
  return texts(db, sql, [jobId])[0];
}

function texts(db: Connection, sql: string, values: readonly string[]): string[] {
  return db.all(sql, values).map((row) => textRow.parse(row).text ?? "");
}
