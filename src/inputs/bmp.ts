import { AppError } from "../core/errors.ts";
import { bmpSize } from "./picture-format.ts";

/**
 * The pixels of a BMP file of the common kinds (true colours or a palette, not packed), from top
 * to bottom, three bytes each.
 * @throws {invalid_input} for the others.
 */
export function bmpPixels(bytes: Buffer): { data: Buffer; width: number; height: number } {
  const { width, height } = bmpSize(bytes);
  const headerBytes = bytes.readUInt32LE(14);
  const bits = bytes.readUInt16LE(28);
  const isPlain = headerBytes >= 40 && bytes.readUInt32LE(30) === 0;
  if (!isPlain || ![8, 24, 32].includes(bits)) {
    throw new AppError("invalid_input", "it is a BMP file of an unusual kind");
  }
  const start = bytes.readUInt32LE(10);
  const palette = 14 + headerBytes;
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const isTopDown = bytes.readInt32LE(22) < 0;
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const row = start + (isTopDown ? y : height - 1 - y) * rowBytes;
    for (let x = 0; x < width; x++, to += 3) {
      const at = bits === 8 ? palette + (bytes[row + x] ?? 0) * 4 : row + x * (bits / 8);
      data[to] = bytes[at + 2] ?? 0;
      data[to + 1] = bytes[at + 1] ?? 0;
      data[to + 2] = bytes[at] ?? 0;
    }
  }
  return { data, width, height };
}
