import { wordsIn } from "../core/search-words.ts";
import { isFinal, type Job, type JobPatch, type WholeJob } from "./job.ts";
import type { JobStore } from "./job-store.ts";
import { SPOKEN } from "./job-words.ts";

/** Shorter ones of a prompt are in every sentence. */
const SHORTEST_WORD = 4;
const AT_ONCE = 100;

/** What arguments are of which no word is anybody's: a size, a format, a file of an earlier job. */
const CHOICE = /^(?:longcat:\/\/[\w/]+|[\w*.:-]{1,32})$/;

/** Whether a job is over, so that nobody needs to know any more what was asked. */
export function isOver(job: Pick<Job, "state" | "charge" | "threadId">): boolean {
  // One in doubt is looked for in the provider's console, by what was asked.
  const isInDoubt = job.state === "unknown" && job.charge === "uncertain";
  return job.threadId === null && isFinal(job.state) && !isInDoubt;
}

/** What is left of a job that is over, where no prompts are kept. */
export function withoutWords({
  input,
  error,
  warnings,
}: Pick<WholeJob, "input" | "error" | "warnings">): JobPatch {
  const spoken = Object.entries(input).flatMap(([name, value]) =>
    SPOKEN.has(name) ? wordsIn(String(value)) : [],
  );
  const words = new Set(spoken);
  const quiet = (text: string) => withoutQuotes(text, words);
  return {
    input: Object.fromEntries(
      Object.entries(input).filter(([name, value]) => !SPOKEN.has(name) && isWordless(value)),
    ),
    error: error && { ...error, message: quiet(error.message) },
    warnings: warnings.map(quiet),
  };
}

/** Takes the words from jobs that were over before, or ended where they were kept. */
export async function forgetWords(store: JobStore): Promise<void> {
  let after = 0;
  for (;;) {
    const { jobs, last } = await store.ended(after, AT_ONCE);
    for (const job of jobs.filter(isOver)) {
      const patch = withoutWords(job);
      const isChanged = Object.keys(patch.input ?? {}).length < Object.keys(job.input).length;
      if (isChanged) await store.patch(job.owner, job.jobId, patch, job.updatedAt);
    }
    if (last === undefined) return;
    after = last;
  }
}

function isWordless(value: unknown): boolean {
  if (typeof value === "string") return CHOICE.test(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(isWordless);
}

/** A text without the words of another, which it may quote. */
function withoutQuotes(text: string, words: ReadonlySet<string>): string {
  return text
    .replaceAll(/[\p{L}\p{M}\p{N}]+/gu, (word) => {
      const isLong = word.length >= SHORTEST_WORD || /[^\p{Script=Latin}\p{N}]/u.test(word);
      return isLong && wordsIn(word).every((one) => words.has(one)) ? "…" : word;
    })
    .replaceAll(/…(?:[\s,]+…)+/g, "…");
}
