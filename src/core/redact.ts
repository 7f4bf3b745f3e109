import { CUT_ESCAPE, plainReading, type Reading, readingsOf } from "./readings.ts";
import { SECRET_IN_ADDRESS } from "./webhook-secret.ts";

const MIN_SECRET_LENGTH = 6;
const MASK = "[key removed]";
/** Far deeper than any reply; what lies below is left out rather than walked. */
const MAX_DEPTH = 64;
/** How far back an unfinished secret is looked for: several escapes of each of its characters. */
const OPEN_CHARACTERS = 2_048;

/** Holds what is let go of a code's beginning, each character escaped. */
export const CONTEXT_CHARACTERS = 64;

/** Shorter texts have no webhook's address in them. */
const SHORTEST_ADDRESS = 35;

/** How many characters of a caller's text are gone through in a moment. */
const LOOKED_THROUGH = 65_536;

/** Replaces secrets in text. */
export interface Redact {
  (text: string): string;
  /**
   * How many of a text's last characters may be part of a secret that goes on after it.
   * @param before what has been shown of the text before; the last {@link CONTEXT_CHARACTERS} do.
   */
  openEnd(text: string, before?: string): number;
  /**
   * Whether there is a secret in what a caller sends. In texts of {@link LOOKED_THROUGH} characters
   * and more only one that stands as it is: looking for all forms of it would hold up everybody.
   */
  finds(text: string): boolean;
  /** Takes these out as well from now on, and for good. */
  learn(secrets: readonly (string | undefined)[]): void;
}

/**
 * A function that takes the given secrets out of any text: as they are, in another case, as
 * hexadecimal digits, or in base64 of any text around them; and all of these also escaped as in
 * URLs, JSON and HTML, in part or several times, or torn apart by what is not seen. Values too short
 * to be a key are left alone: masking them would only garble text.
 */
export function createRedact(secrets: readonly (string | undefined)[]): Redact {
  const keys = new Set<string>();
  const needles: Needle[] = [];
  /** No provider takes such a key, but nobody should see it either. */
  const unreadable: string[] = [];
  let [shortest, longest] = [Number.POSITIVE_INFINITY, 0];
  const learn = (more: readonly (string | undefined)[]) => {
    for (const key of new Set(more)) {
      if (key === undefined || key.length < MIN_SECRET_LENGTH || keys.has(key)) continue;
      keys.add(key);
      const own = needlesOf(key);
      needles.push(...own);
      if (own.length === 0) unreadable.push(key);
      for (const { length } of own.length === 0 ? [key] : own.map(({ text }) => text)) {
        shortest = Math.min(shortest, length);
        longest = Math.max(longest, length);
      }
    }
  };
  learn(secrets);
  const isClean = (text: string) => {
    const plain = unreadable.length === 0 ? plainReading(text) : undefined;
    if (plain === undefined || plain.search(SECRET_IN_ADDRESS) >= 0) return false;
    return !needles.some((needle) => plain.includes(needle.text));
  };
  const withoutKeys = (text: string, more: (reading: Reading) => Range[] = () => []) => {
    if (text.length < Math.min(shortest, SHORTEST_ADDRESS) || isClean(text)) return text;
    const ranges = readingsOf(text).flatMap((reading) => [
      ...rangesIn(reading, needles),
      ...more(reading),
    ]);
    return unreadable.reduce((all, key) => all.replaceAll(key, MASK), masked(text, ranges));
  };
  // Of webhooks the secrets are known to nobody after a restart, but where they stand.
  const redact = (text: string) => withoutKeys(text, webhookSecretsIn);
  return Object.assign(redact, {
    openEnd(text: string, before = "") {
      if (needles.length === 0) return 0;
      const tail = `${before}${text}`.slice(-OPEN_CHARACTERS);
      const starts = readingsOf(tail).map((reading) => openStart(reading, needles, longest));
      const open = tail.length - Math.min(...starts.map((start) => start ?? tail.length));
      return Math.min(open, text.length);
    },
    finds: (text: string) =>
      text.length < LOOKED_THROUGH
        ? withoutKeys(text) !== text
        : [...keys].some((key) => text.includes(key)),
    learn,
  });
}

/**
 * A parsed JSON value with every string in it redacted, names of fields included. This is the one
 * way in for what a provider sends: whatever the sender had escaped, parsing has undone.
 */
export function redactValue(value: unknown, redact: Redact, depth = 0): unknown {
  if (typeof value === "string") return redact(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((one) => redactValue(one, redact, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [redact(name), redactValue(one, redact, depth + 1)]),
  );
}

/** Whether a text has lost a secret that was in it. */
export function isRedacted(text: string): boolean {
  return text.includes(MASK);
}

/** What is looked for in a reading of a text. */
interface Needle {
  text: string;
  /** How much of it must stand at the end of a piece for the next one to be waited for. */
  worthWaiting: number;
}

/** So many characters of a code say nothing of what it stands for. */
const HARMLESS = 3;

function needlesOf(secret: string): Needle[] {
  const read = readingsOf(secret)
    .map(({ text }) => ({ text, worthWaiting: 1 }))
    .filter(({ text }) => text.length >= MIN_SECRET_LENGTH);
  if (read.length === 0) return [];
  const bytes = Buffer.from(secret);
  const encoded = [bytes.toString("hex"), ...base64Forms(bytes)].map((form) => form.toLowerCase());
  return [
    ...read,
    // Any text ends with a letter or two that some code begins with: it would often be late. So the
    // beginning is let go, and what follows it is found all the same.
    ...encoded.map((text) => ({ text, worthWaiting: HARMLESS + 1 })),
    ...encoded.map((text) => ({ text: text.slice(HARMLESS), worthWaiting: text.length })),
  ];
}

/**
 * Base64 of any text that has the secret in it: at each of the three places where it can begin in a
 * group, the characters that it alone decides. In both alphabets.
 */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64url");
    const [first, end] = [before * 8, (before + bytes.length) * 8].map((bits) => bits / 6);
    const decided = text.slice(Math.ceil(first ?? 0), Math.floor(end ?? 0));
    return [decided, decided.replaceAll("-", "+").replaceAll("_", "/")];
  });
}

type Range = readonly [start: number, end: number];

function rangesIn({ text, starts, ends }: Reading, needles: readonly Needle[]): Range[] {
  const ranges: Range[] = [];
  for (const { text: needle } of needles) {
    let found = text.indexOf(needle);
    while (found >= 0) {
      const next = found + needle.length;
      ranges.push([starts[found] ?? 0, ends[next - 1] ?? 0]);
      found = text.indexOf(needle, next);
    }
  }
  return ranges;
}

function webhookSecretsIn({ text, starts, ends }: Reading): Range[] {
  return [...text.matchAll(SECRET_IN_ADDRESS)].map(({ 0: secret, index }) => [
    starts[index] ?? 0,
    ends[index + secret.length - 1] ?? 0,
  ]);
}

function masked(text: string, ranges: readonly Range[]): string {
  if (ranges.length === 0) return text;
  const parts: string[] = [];
  let done = 0;
  for (const [start, end] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (start >= done) parts.push(text.slice(done, start), MASK);
    done = Math.max(done, end);
  }
  return [...parts, text.slice(done)].join("");
}

/** Where in a text that was read an unfinished secret may begin; `undefined` if there is none. */
function openStart(
  { text, starts }: Reading,
  needles: readonly Needle[],
  longest: number,
): number | undefined {
  const cut = CUT_ESCAPE.exec(text)?.index ?? text.length;
  for (let start = Math.max(0, cut - longest + 1); start < cut; start++) {
    const end = text.slice(start, cut);
    const isOpen = needles.some(
      (needle) => end.length >= needle.worthWaiting && needle.text.startsWith(end),
    );
    if (isOpen) return starts[start];
  }
  return cut < text.length ? starts[cut] : undefined;
}
