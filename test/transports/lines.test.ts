import fc from "fast-check";
import { expect, test } from "vitest";
import { LineReader, type LongLine } from "../../src/transports/lines.ts";

const MOST_BYTES = 4_000;

function read(chunks: readonly Buffer[], mostBytes = MOST_BYTES) {
  const lines: string[] = [];
  const long: LongLine[] = [];
  const reader = new LineReader(mostBytes, {
    onLine: (text) => lines.push(text),
    onLongLine: (line) => long.push(line),
  });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return { lines, long };
}

/** A text in pieces that end anywhere, also within a character. */
function inPieces(text: string, sizes: readonly number[]): Buffer[] {
  let rest = Buffer.from(text);
  const pieces: Buffer[] = [];
  for (let at = 0; rest.length > 0; at++) {
    const size = sizes[at % sizes.length] ?? 1;
    pieces.push(rest.subarray(0, size));
    rest = rest.subarray(size);
  }
  return pieces;
}

test("lines are the same however they come in pieces", () => {
  const line = fc
    .string({ unit: "grapheme", maxLength: 50 })
    .map((one) => one.replaceAll("\n", ""));
  const sizes = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(line), sizes, (lines, pieces) => {
      const read1 = read(inPieces(lines.map((one) => `${one}\n`).join(""), pieces));
      expect(read1).toEqual({ lines: [...lines, ""], long: [] });
    }),
  );
});

test("the last line may lack its end", () => {
  expect(read([Buffer.from("one\ntwo")]).lines).toEqual(["one", "two"]);
});

test("many lines may come at once", () => {
  const { lines } = read([Buffer.from("a\n\nb\r\n".repeat(1_000))]);
  expect(lines.length).toBe(3_001);
  expect(lines.slice(0, 3)).toEqual(["a", "", "b\r"]);
});

test("a line has as many bytes as are allowed", () => {
  for (const size of [1, 7, MOST_BYTES + 1]) {
    const { lines, long } = read(inPieces(`${"ü".repeat(MOST_BYTES / 2)}\nnext`, [size]));
    expect(lines).toEqual(["ü".repeat(MOST_BYTES / 2), "next"]);
    expect(long).toEqual([]);
  }
});

test.each([1, 7, 1_000, 100_000])(
  "of a line that is too long both ends are kept, and what follows is read, in pieces of %i",
  (size) => {
    const tooLong = `begin ${"x".repeat(MOST_BYTES * 3)} end`;
    const { lines, long } = read(inPieces(`before\n${tooLong}\nafter\n${tooLong}`, [size]));
    expect(lines).toEqual(["before", "after"]);
    const bytes = tooLong.length;
    const ends = {
      start: expect.stringMatching(/^begin x+$/),
      end: expect.stringMatching(/^x+ end$/),
    };
    expect(long).toEqual([
      { ...ends, bytes },
      { ...ends, bytes },
    ]);
    expect(long[0]?.start.length).toBe(1_024);
    expect(long[0]?.end.length).toBe(1_024);
  },
);
