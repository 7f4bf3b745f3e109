import { expect, it } from "vitest";
import { bmpPixels } from "../../src/inputs/bmp.ts";

/** Two rows of three pixels, 24 bits each, a row filled up to twelve bytes. */
function bmp(height: number): Buffer {
  const head = Buffer.alloc(54);
  head.write("BM");
  head.writeUInt32LE(54, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(3, 18);
  head.writeInt32LE(height, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(24, 28);
  const row = (from: number) =>
    Buffer.from([...Array.from({ length: 9 }, (_, at) => from + at), 99, 99, 99]);
  return Buffer.concat([head, row(10), row(30)]);
}

const FIRST = [12, 11, 10, 15, 14, 13, 18, 17, 16];
const SECOND = [32, 31, 30, 35, 34, 33, 38, 37, 36];

it.each([
  ["from below", 2, [...SECOND, ...FIRST]],
  ["from above", -2, [...FIRST, ...SECOND]],
])("reads every pixel where it is, %s", (_, height, pixels) => {
  expect(bmpPixels(bmp(height))).toEqual({ data: Buffer.from(pixels), width: 3, height: 2 });
});
