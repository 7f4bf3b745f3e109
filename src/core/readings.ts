/**
 * A text as somebody might read it: visible ASCII in lower case, everything else left out.
 */
export interface Reading {
  text: string;
  /** Where what became a character begins in the text that was given. */
  starts: Uint32Array;
  /** Where it ends there. */
  ends: Uint32Array;
}

/** How often a text is unescaped at most: escapes of escapes of escapes. */
const MOST_ROUNDS = 6;
const FIRST_VISIBLE = 0x21;
const LAST_VISIBLE = 0x7e;

/**
 * The escapes of URLs, JSON (and its kin) and HTML. A lone backslash says nothing but that the next
 * character is meant as it is, unless it begins an escape that the end of the text has cut.
 */
const ESCAPE =
  /%([0-9a-f]{2})|\\+(?:u([0-9a-f]{4})|u\{([0-9a-f]{1,6})\}|x([0-9a-f]{2})|[nrtbf]|(?!u[0-9a-f]{0,3}$|u\{[0-9a-f]{0,6}$|x[0-9a-f]?$))|&#(?:(\d{1,7})|x([0-9a-f]{1,6}));?|&(amp|lt|gt|quot|apos|plus|equals|sol|hyphen|dash|lowbar|period);?/g;
const INTRODUCER = /[%\\&]/;
/** An escape that ends with the text, before it is whole. */
export const CUT_ESCAPE =
  /(?:%[0-9a-f]?|\\+(?:u[0-9a-f]{0,3}|u\{[0-9a-f]{0,6}|x[0-9a-f]?)?|&[#\w]{0,8})$/;

const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  plus: "+",
  equals: "=",
  sol: "/",
  hyphen: "-",
  dash: "-",
  lowbar: "_",
  period: ".",
};

/**
 * The one reading of a text that has no escapes, without the places of its characters: nearly all
 * texts are like this, and looking through them must cost next to nothing.
 * @returns `undefined` where there may be more to read.
 */
export function plainReading(text: string): string | undefined {
  const read = text.replace(/[^\x21-\x7e]+/g, "").toLowerCase();
  return INTRODUCER.test(read) ? undefined : read;
}

/** A text as it stands, and as it reads after one, two, … rounds of unescaping. */
export function readingsOf(text: string): Reading[] {
  let reading = visible(text);
  const readings = [reading];
  for (let round = 0; round < MOST_ROUNDS && INTRODUCER.test(reading.text); round++) {
    const next = unescaped(reading);
    if (next.text === reading.text) break;
    readings.push(next);
    reading = next;
  }
  return readings;
}

function visible(text: string): Reading {
  const writer = new Writer(text.length);
  for (let i = 0; i < text.length; i++) writer.put(text.charCodeAt(i), i, i + 1);
  return writer.reading();
}

function unescaped({ text, starts, ends }: Reading): Reading {
  const writer = new Writer(text.length);
  let done = 0;
  const copyTo = (end: number) => {
    for (; done < end; done++) {
      writer.put(text.charCodeAt(done), starts[done] ?? 0, ends[done] ?? 0);
    }
  };
  for (const match of text.matchAll(ESCAPE)) {
    copyTo(match.index);
    done += match[0].length;
    writer.put(codeOf(match), starts[match.index] ?? 0, ends[done - 1] ?? 0);
  }
  copyTo(text.length);
  return writer.reading();
}

/** The character that an escape stands for; 0 for one that nobody sees. */
function codeOf([, percent, u, braced, x, decimal, hex, name]: RegExpExecArray): number {
  if (name !== undefined) return NAMED[name]?.charCodeAt(0) ?? 0;
  if (decimal !== undefined) return Number(decimal);
  return Number.parseInt(percent ?? u ?? braced ?? x ?? hex ?? "0", 16);
}

/** Collects what is visible, with its places. */
class Writer {
  readonly #codes: Buffer;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  #length = 0;

  /** @param most how many characters there can be. */
  constructor(most: number) {
    this.#codes = Buffer.allocUnsafe(most);
    this.#starts = new Uint32Array(most);
    this.#ends = new Uint32Array(most);
  }

  put(code: number, start: number, end: number): void {
    if (code < FIRST_VISIBLE || code > LAST_VISIBLE) return;
    this.#codes[this.#length] = code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
    this.#starts[this.#length] = start;
    this.#ends[this.#length++] = end;
  }

  reading(): Reading {
    const text = this.#codes.toString("latin1", 0, this.#length);
    return { text, starts: this.#starts, ends: this.#ends };
  }
}
