import { wordsIn } from "../core/search-words.ts";
import type { Job, WholeJob } from "./job.ts";

/** The arguments that are words for somebody else; of the others only names of files are kept. */
export const SPOKEN: ReadonlySet<string> = new Set([
  "prompt",
  "negative_prompt",
  "system",
  "default_caption",
]);
/** Of a training set or a turn some may have to do. */
const MAX_FILES = 100;

/**
 * What a job is found by: the words of what was asked, of its operation, and of the names of the
 * files that it was given.
 * @param prompt in place of the recorded one, where that is cut.
 */
export function askedWords(
  { operation, input }: Pick<WholeJob, "operation" | "input">,
  prompt?: string,
): string[] {
  const texts = Object.entries({ ...input, ...(prompt === undefined ? {} : { prompt }) }).flatMap(
    ([name, value]) => (SPOKEN.has(name) ? [String(value)] : fileNames(value)),
  );
  return distinct([operation, ...texts]);
}

/** What a job is found by: the words of the names of its finished files. */
export function fileWords({ media }: Pick<Job, "media">): string[] {
  return distinct(media.flatMap(({ path, copies }) => [path, ...copies].map(lastPart)));
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts.flatMap(wordsIn))];
}

/** The names in an argument that are those of files: of a path or an address its last part. */
function fileNames(value: unknown): string[] {
  return [value]
    .flat()
    .slice(0, MAX_FILES)
    .filter((one): one is string => typeof one === "string" && /[./\\]/.test(one))
    .filter((one) => !/^\s*(data|longcat):/i.test(one))
    .map(lastPart);
}

function lastPart(text: string): string {
  const isAddress = /^https?:/i.test(text);
  const path = isAddress ? text.replace(/[?#].*$/s, "") : text;
  const name = path.split(/[/\\]/).findLast((part) => part !== "") ?? "";
  return isAddress ? decoded(name) : name;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
