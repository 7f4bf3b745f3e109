import { extname } from "node:path";

const MAX_WORDS = 6;
/** With all else of a name below the 143 bytes that some encrypted disks take. */
const MAX_WORDS_BYTES = 80;
/** What nearly every disk takes. */
const MAX_NAME_BYTES = 255;
/** Windows knows these as devices, with any extension. */
const DEVICES = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\.|$)/i;
/** Letters are joined by these, or drawn in another way: no part of a word as it is read. */
const JOINERS = /\u00AD|\u200C|\u200D|[\uFE00-\uFE0F]/g;
const BETWEEN_WORDS = /(?:[^\p{L}\p{Mn}\p{Mc}\p{N}]|\p{Default_Ignorable_Code_Point})+/u;

/**
 * The first words of any text as a harmless part of a file name, in any script, NFC. Only words of
 * plain Latin letters change their case: elsewhere it may mean something. "" when nothing is left.
 */
export function slug(text: string): string {
  const words = text
    // A long text is not gone through for its first words.
    .slice(0, 4_000)
    .normalize("NFC")
    .replaceAll(JOINERS, "")
    .split(BETWEEN_WORDS)
    // A mark belongs to the letter before it, and here there is none.
    .map((word) => word.replace(/^\p{M}+/u, ""))
    .filter((word) => word !== "")
    .slice(0, MAX_WORDS)
    .join("-");
  return beginningInBytes(words, MAX_WORDS_BYTES)
    .replace(/-+$/, "")
    .split("-")
    .map((word) => (/^[A-Za-z0-9]*$/.test(word) ? word.toLowerCase() : word))
    .join("-");
}

/** The beginning of a text that takes at most so many bytes of UTF-8; no character is cut. */
function beginningInBytes(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  let end = 0;
  let bytes = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    bytes += Buffer.byteLength(segment);
    if (bytes > most) break;
    end += segment.length;
  }
  return text.slice(0, end);
}

/** A file name whose stem is cut where the whole would be longer than disks take. */
export function fittingName(stem: string, ending: string): string {
  return beginningInBytes(stem, MAX_NAME_BYTES - Buffer.byteLength(ending)) + ending;
}

/**
 * What is wrong with the name of a file or folder that a caller wants to have made, as the end of a
 * sentence about it.
 * @param forWindows whether the name will be seen by Windows.
 * @returns `undefined` for a harmless name.
 */
export function nameProblem(name: string, forWindows: boolean): string | undefined {
  // Some disks do not see what is ignorable.
  if (name.replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "").startsWith(".")) {
    return "is hidden (its name begins with a dot), and nothing is saved in hidden places";
  }
  if (/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(name) || /(?!\u200C|\u200D)\p{Cf}/u.test(name)) {
    return "has control or invisible characters in its name";
  }
  const length = forWindows ? name.length : Buffer.byteLength(name);
  if (length > MAX_NAME_BYTES) {
    return `has a name of ${length} ${forWindows ? "characters" : "bytes"}; ${MAX_NAME_BYTES} are possible`;
  }
  if (!forWindows) {
    return name.includes("\\") ? "has a backslash in its name; write / between folders" : undefined;
  }
  const device = deviceProblem(name);
  if (device !== undefined) return device;
  // A colon would name a hidden stream of another file.
  if (/[<>:"|?*]/.test(name)) return 'has one of < > : " | ? * in its name, which Windows forbids';
  if (/[. ]$/.test(name)) return "has a name that ends with a dot or a blank, which Windows drops";
  // A hidden folder has a second name such as VSCODE~1.
  if (/~\d/.test(name)) return "has a name that may be a short one of Windows (~ and a digit)";
  return undefined;
}

/** What is wrong with a name that Windows keeps for a device, as {@link nameProblem} tells it. */
export function deviceProblem(name: string): string | undefined {
  const isDevice = DEVICES.test(name.replace(/ +(?=\.|$)/, ""));
  return isDevice ? "has a name that Windows reserves" : undefined;
}

const PICTURES = ["png", "jpg", "jpeg", "webp", "gif", "avif", "tif", "tiff"] as const;
const WEIGHTS = ["safetensors", "zip", "bin"] as const;

/** What results are, as far as names go. */
export type ResultKind = "images" | "layers" | "weights" | "text";

const EXTENSIONS: Readonly<Record<Exclude<ResultKind, "text">, readonly string[]>> = {
  images: PICTURES,
  layers: [...PICTURES, "json"],
  weights: [...WEIGHTS, "json"],
};

/** What answers are called where only that is written which nothing runs. */
export const HARMLESS_TEXTS = ["md", "txt", "json", "csv"] as const;

/**
 * @param isForResultsOnly whether nothing may be written there that something could run.
 * @returns what is wrong with a file name for a result of a kind, as {@link nameProblem} does.
 */
export function endingProblem(
  name: string,
  kind: ResultKind,
  isForResultsOnly = false,
): string | undefined {
  const extension = extname(name).slice(1).toLowerCase();
  if (kind !== "text") {
    if (EXTENSIONS[kind].includes(extension)) return undefined;
    const possible = `.${EXTENSIONS[kind].join(", .")}`;
    return `ends in .${extension}, which no result of this call can be: ${possible}`;
  }
  if (isForResultsOnly) {
    if (HARMLESS_TEXTS.some((one) => one === extension)) return undefined;
    return `ends in .${extension}; a text is saved there as .${HARMLESS_TEXTS.join(", .")} only`;
  }
  const isOther = [...PICTURES, ...WEIGHTS].some((one) => one === extension);
  if (!isOther && /^[a-z0-9]{1,12}$/.test(extension)) return undefined;
  return `ends in .${extension}, which no result of this call can be: a text is made, as .md, .txt or .json`;
}
