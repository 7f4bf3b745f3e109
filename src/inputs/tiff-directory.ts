/** A field of a directory. */
export interface TiffField {
  tag: number;
  /** Where its entry stands. */
  at: number;
  valueAt: number;
  valueBytes: number;
  type: number;
  count: number;
}

export interface TiffDirectory {
  at: number;
  fields: TiffField[];
  /** Where it says which one is next. */
  nextAt: number;
}

const TYPE_BYTES: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
  16: 8,
  17: 8,
  18: 8,
};
/** More than any real file has; what has more is built to keep its reader busy. */
const MAX_DIRECTORIES = 1024;
const MAX_FIELDS = 512;
const MAX_NUMBERS = 1_000_000;
const MAX_BLANKED_BYTES = 64 * 1024;

/**
 * The directories of a TIFF file or of an EXIF block, which is built like one; both the classic
 * form and that for files above 4 GB. What points out of the bytes is read as absent.
 */
export class TiffReader {
  readonly bytes: Buffer;
  readonly #isLittle: boolean;
  readonly #isBig: boolean;

  private constructor(bytes: Buffer, isLittle: boolean, isBig: boolean) {
    this.bytes = bytes;
    this.#isLittle = isLittle;
    this.#isBig = isBig;
  }

  /** @returns `undefined` for what does not begin like one. */
  static of(bytes: Buffer): TiffReader | undefined {
    if (bytes.length < 8) return undefined;
    const order = bytes.toString("latin1", 0, 2);
    if (order !== "II" && order !== "MM") return undefined;
    const version = order === "II" ? bytes.readUInt16LE(2) : bytes.readUInt16BE(2);
    if (version !== 42 && !(version === 43 && bytes.length >= 16)) return undefined;
    return new TiffReader(bytes, order === "II", version === 43);
  }

  /** The main directories, as far as they can be read; `isWhole` where that is all of them. */
  directories(): { list: TiffDirectory[]; isWhole: boolean } {
    const list: TiffDirectory[] = [];
    const seen = new Set<number>();
    let at = this.#offset(this.#isBig ? 8 : 4);
    while (at !== undefined && at !== 0 && !seen.has(at) && list.length < MAX_DIRECTORIES) {
      seen.add(at);
      const directory = this.directory(at);
      if (!directory) return { list, isWhole: false };
      list.push(directory);
      at = this.#offset(directory.nextAt);
    }
    return { list, isWhole: list.length > 0 && at === 0 };
  }

  directory(at: number): TiffDirectory | undefined {
    const countBytes = this.#isBig ? 8 : 2;
    const entryBytes = this.#isBig ? 20 : 12;
    const count = this.#isBig ? this.#number(at, 8) : this.#number(at, 2);
    if (count === undefined || count > MAX_FIELDS) return undefined;
    const first = at + countBytes;
    const nextAt = first + count * entryBytes;
    if (nextAt > this.bytes.length) return undefined;
    const fields: TiffField[] = [];
    for (let entry = first; entry < nextAt; entry += entryBytes) fields.push(this.#field(entry));
    return { at, fields, nextAt };
  }

  /** What a field of whole numbers holds; nothing where it lies outside. */
  numbers({ type, count, valueAt }: TiffField): number[] {
    const size = TYPE_BYTES[type] ?? 0;
    const isNumber = [1, 3, 4, 13, 16, 18].includes(type);
    if (!isNumber || count > MAX_NUMBERS || valueAt + count * size > this.bytes.length) return [];
    return Array.from({ length: count }, (_, i) => this.#number(valueAt + i * size, size) ?? 0);
  }

  /** Whether a field of fractions holds one that is a number. */
  hasFraction({ type, count, valueAt, valueBytes }: TiffField): boolean {
    if ((type !== 5 && type !== 10) || valueAt + valueBytes > this.bytes.length) return false;
    for (let i = 0; i < Math.min(count, 8); i++) {
      if ((this.#number(valueAt + i * 8 + 4, 4) ?? 0) !== 0) return true;
    }
    return false;
  }

  value({ valueAt, valueBytes }: TiffField): Buffer {
    return this.bytes.subarray(valueAt, valueAt + valueBytes);
  }

  /** Takes a field out of its directory and blanks what it held; nothing else moves. */
  remove(directory: TiffDirectory, field: TiffField): void {
    const entryBytes = this.#isBig ? 20 : 12;
    const isOutside = field.valueAt < directory.at || field.valueAt >= directory.nextAt;
    if (isOutside) this.value(field).fill(0);
    const tail = directory.nextAt + (this.#isBig ? 8 : 4);
    this.bytes.copy(this.bytes, field.at, field.at + entryBytes, tail);
    this.bytes.fill(0, tail - entryBytes, tail);
    this.#writeCount(directory.at, directory.fields.length - 1);
  }

  /** Blanks a directory, to which nothing leads any more, and what it held. */
  blank({ at, fields, nextAt }: TiffDirectory): void {
    for (const field of fields) {
      if (field.valueBytes <= MAX_BLANKED_BYTES) this.value(field).fill(0);
    }
    this.bytes.fill(0, at, nextAt);
  }

  #writeCount(at: number, count: number): void {
    if (this.#isBig) {
      if (this.#isLittle) this.bytes.writeBigUInt64LE(BigInt(count), at);
      else this.bytes.writeBigUInt64BE(BigInt(count), at);
    } else if (this.#isLittle) this.bytes.writeUInt16LE(count, at);
    else this.bytes.writeUInt16BE(count, at);
  }

  #field(at: number): TiffField {
    const tag = this.#number(at, 2) ?? 0;
    const type = this.#number(at + 2, 2) ?? 0;
    const wide = this.#isBig ? 8 : 4;
    const count = this.#number(at + 4, wide) ?? 0;
    const valueBytes = count * (TYPE_BYTES[type] ?? 1);
    const inline = at + 4 + wide;
    const valueAt = valueBytes <= wide ? inline : (this.#number(inline, wide) ?? this.bytes.length);
    return { tag, type, count, at, valueAt, valueBytes };
  }

  #offset(at: number): number | undefined {
    return this.#number(at, this.#isBig ? 8 : 4);
  }

  #number(at: number, size: number): number | undefined {
    if (at < 0 || at + size > this.bytes.length) return undefined;
    if (size === 8) {
      const wide = this.#isLittle ? this.bytes.readBigUInt64LE(at) : this.bytes.readBigUInt64BE(at);
      return Number(wide);
    }
    return this.#isLittle ? this.bytes.readUIntLE(at, size) : this.bytes.readUIntBE(at, size);
  }
}
