/*
 * How text is cut into words, once for what is kept and once for what is looked for: any store that
 * keeps the one and compares it with the other finds the same. The rules:
 *
 * - A word is letters and digits in a row; everything else parts words. Case, accents and
 *   typographic forms (full width, ligatures) do not matter.
 * - A Han character is a word of its own.
 * - Scripts without spaces, and Hangul, whose particles are written to the word, are kept character
 *   by character and pair by pair: what is looked for in them stands as it is, anywhere.
 * - An emoji is a word of its own.
 * - A word of three letters and more also finds the longer ones that begin with it.
 */

/** A word of a query, in the form that {@link wordsIn} gives. */
export interface QueryWord {
  text: string;
  /** Longer words that begin with it are found as well. */
  isBeginning: boolean;
}

/** How many characters of a text are looked through; what comes after is not found. */
export const MAX_LOOKED_THROUGH = 20_000;
/** Longer words are what no one types: their beginning has to do. */
const MAX_WORD_CHARACTERS = 64;
const SHORTEST_BEGINNING = 3;

/** The different words of a text, in no order that means anything. */
export function wordsIn(text: string): string[] {
  const words = new Set<string>();
  for (const { kind, characters } of runsIn(text)) {
    if (kind === "unspaced") for (const pair of pairsOf(characters)) words.add(pair);
    for (const word of kind === "word" ? [characters.join("")] : characters) words.add(word);
  }
  return [...words];
}

/** The words that all must be found for a query; none where nothing in it is a word. */
export function queryWords(query: string): QueryWord[] {
  const words = new Map<string, QueryWord>();
  const add = (text: string, isBeginning: boolean) => words.set(text, { text, isBeginning });
  for (const { kind, characters } of runsIn(query)) {
    if (kind === "word") {
      add(characters.join(""), characters.length >= SHORTEST_BEGINNING && isText(characters));
    } else if (kind === "unspaced" && characters.length > 1) {
      for (const pair of pairsOf(characters)) add(pair, false);
    } else {
      for (const character of characters) add(character, false);
    }
  }
  return [...words.values()];
}

type RunKind = "word" | "single" | "unspaced";

/** What stands together: one word, or characters of a script that sets no spaces. */
interface Run {
  kind: RunKind;
  characters: string[];
}

const LETTER = String.raw`[\p{L}\p{N}\p{M}]`;
const HAN = String.raw`\p{scx=Han}`;
const UNSPACED = String.raw`\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{sc=Hang}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}\p{sc=Tale}\p{sc=Talu}\p{sc=Lana}\p{sc=Java}\p{sc=Bali}\p{sc=Tibt}\p{sc=Yiii}`;
const [HAN_LETTER, UNSPACED_LETTER] = [HAN, UNSPACED].map((scripts) => `(?=[${scripts}])${LETTER}`);
/** Han is asked last of the two: marks of length and repetition are written in both. */
const RUNS = new RegExp(
  [
    `(?<unspaced>(?:${UNSPACED_LETTER})+)`,
    String.raw`(?<single>(?:${HAN_LETTER})|\p{Extended_Pictographic}|\p{RI}{2})`,
    `(?<word>(?:(?![${HAN}${UNSPACED}])${LETTER})+)`,
  ].join("|"),
  "gu",
);
/** A character with the marks on it. */
const CHARACTERS = /\P{M}\p{M}*|\p{M}+/gu;

function* runsIn(text: string): Generator<Run> {
  for (const { groups = {} } of folded(text).matchAll(RUNS)) {
    const { unspaced, single, word } = groups;
    if (unspaced !== undefined)
      yield { kind: "unspaced", characters: unspaced.match(CHARACTERS) ?? [] };
    if (single !== undefined) yield { kind: "single", characters: [single] };
    if (word !== undefined) {
      yield { kind: "word", characters: [...word].slice(0, MAX_WORD_CHARACTERS) };
    }
  }
}

function pairsOf(characters: readonly string[]): string[] {
  return characters.slice(1).map((second, position) => `${characters[position]}${second}`);
}

/** Numbers are meant whole: 102 is no beginning of 1024. */
function isText(characters: readonly string[]): boolean {
  return characters.some((character) => !/\p{N}/u.test(character));
}

/** Accents, where a letter without them is the same to who looks for it. */
const ACCENTS =
  /(?![\u3099\u309A])(?=[\p{Script=Inherited}\p{sc=Latn}\p{sc=Grek}\p{sc=Cyrl}\p{sc=Hebr}\p{sc=Arab}\p{sc=Syrc}])\p{Mn}|\u0640/gu;
/** Letters with a stroke and the like, which are no letter and a mark to Unicode. */
const PLAIN: Readonly<Record<string, string>> = {
  æ: "ae",
  œ: "oe",
  ø: "o",
  ł: "l",
  đ: "d",
  ð: "d",
  þ: "th",
  ħ: "h",
  ŧ: "t",
  ς: "σ",
};

/** Case goes down, up and down again: a capital ẞ is ß only when small, and ß is SS only when large. */
function folded(text: string): string {
  return text
    .slice(0, MAX_LOOKED_THROUGH)
    .normalize("NFKD")
    .replaceAll(ACCENTS, "")
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll(/[æœøłđðþħŧς]/g, (letter) => PLAIN[letter] ?? letter)
    .normalize("NFC");
}
