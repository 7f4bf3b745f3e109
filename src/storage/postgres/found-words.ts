import { MAX_LOOKED_THROUGH, type QueryWord, wordsIn } from "../../core/search-words.ts";
import type { Job, WholeJob } from "../../jobs/job.ts";
import { askedWords, fileWords } from "../../jobs/job-words.ts";
import type { Statements } from "./database.ts";

/** A list of words may have a megabyte, with some bytes beside each. */
const MOST_BYTES = 600_000;
const BYTES_BESIDE = 8;

/** As SQL: words that are given as JSON, as they are. What a word is, `core/search-words.ts` says. */
const WORDS =
  "array_to_tsvector(ARRAY(SELECT jsonb_array_elements_text(CAST(CAST(? AS text) AS jsonb))))";

/** As a query: all of these words. Words have letters, digits and pictures only. */
export function matchingWords(words: readonly QueryWord[]): string {
  return words.map(({ text, isBeginning }) => `'${text}'${isBeginning ? ":*" : ""}`).join(" & ");
}

/** Makes a job found by what was asked and by its files; by no more than it has now. */
export async function writeJobWords(
  db: Statements,
  job: Pick<WholeJob, "owner" | "jobId" | "operation" | "input" | "media">,
  turnPrompt: string | undefined,
): Promise<void> {
  await db.run(
    `INSERT INTO job_words (job_id, asked, files) VALUES (?, ${WORDS}, ${WORDS})
     ON CONFLICT (job_id) DO UPDATE SET asked = excluded.asked, files = excluded.files`,
    [job.jobId, kept(askedWords(job, turnPrompt)), kept(fileWords(job))],
  );
}

export async function writeFileWords(
  db: Statements,
  job: Pick<Job, "jobId" | "media">,
): Promise<void> {
  await db.run(`UPDATE job_words SET files = ${WORDS} WHERE job_id = ?`, [
    kept(fileWords(job)),
    job.jobId,
  ]);
}

/** Makes a thread found by the task of a turn and by what is attached to it. */
export async function writeTurnWords(
  db: Statements,
  seq: number,
  prompt: string,
  names: readonly string[],
): Promise<void> {
  const asked = [prompt.slice(0, MAX_LOOKED_THROUGH), ...names].flatMap(wordsIn);
  await db.run(`INSERT INTO turn_words (seq, asked) VALUES (?, ${WORDS})`, [
    seq,
    kept([...new Set(asked)]),
  ]);
}

function kept(words: readonly string[]): string {
  let left = MOST_BYTES;
  const some = words.filter((word) => {
    left -= Buffer.byteLength(word) + BYTES_BESIDE;
    return left > 0;
  });
  return JSON.stringify(some);
}
