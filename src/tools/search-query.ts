import { AppError } from "../core/errors.ts";
import { type QueryWord, queryWords } from "../core/search-words.ts";

const MAX_CHARACTERS = 500;
const MAX_WORDS = 50;

/** The words of a search. @throws {invalid_input} where there is none, or far too much. */
export function readQuery(query: string | undefined): readonly QueryWord[] | undefined {
  if (query === undefined) return undefined;
  const words = query.length > MAX_CHARACTERS ? [] : queryWords(query);
  if (query.length > MAX_CHARACTERS || words.length > MAX_WORDS) {
    throw new AppError(
      "invalid_input",
      `\`query\` is too long: at most ${MAX_CHARACTERS} characters and ${MAX_WORDS} words.`,
      { next: "Give a few words; all of them must be found." },
    );
  }
  if (words.length > 0) return words;
  throw new AppError("invalid_input", "`query` has no word in it.", {
    next: "Give letters, digits or emoji to look for, or leave `query` out to list all.",
  });
}
