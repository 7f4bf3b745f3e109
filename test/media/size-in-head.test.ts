import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HEAD_BYTES } from "../../src/core/file-head.ts";
import { readHeader } from "../../src/media/decoder.ts";
import { sizeInHead } from "../../src/media/size-in-head.ts";
import { picture } from "../support/pictures.ts";

const side = fc.integer({ min: 1, max: 300 });

describe("the size in a picture's head", () => {
  it("is what the decoder says of PNG and JPEG", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("png", "jpeg"),
        side,
        side,
        async (format, width, height) => {
          const bytes = await picture(format, { width, height });
          expect(sizeInHead(bytes.subarray(0, HEAD_BYTES))).toEqual({ width, height });
        },
      ),
      { numRuns: 20, endOnFailure: true },
    );
  });

  it.each(["png", "jpeg"] as const)(
    "of a %s that is not whole or not in order is none, or what the decoder says",
    async (format) => {
      const whole = await picture(format, { width: 64, height: 48 });
      await fc.assert(
        fc.asyncProperty(
          fc.nat(whole.length),
          fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { maxLength: 2 }),
          async (length, changes) => {
            const head = Buffer.from(whole.subarray(0, length));
            for (const [at, byte] of changes) if (at < length) head[at] = byte;
            const size = sizeInHead(head);
            if (!size) return;
            const told = await readHeader(head).catch(() => undefined);
            // What is cut off or damaged behind its size need not be one that the decoder takes.
            if (told) expect(size).toEqual({ width: told.width, height: told.height });
          },
        ),
        { numRuns: 200, endOnFailure: true },
      );
    },
  );

  it("is told by the decoder of other pictures, of a PNG with a wrong checksum, and of nothing", async () => {
    for (const format of ["webp", "gif"] as const) {
      expect(sizeInHead(await picture(format))).toBeUndefined();
    }
    const png = await picture("png");
    png.writeUInt8(99, 19);
    expect(sizeInHead(png)).toBeUndefined();
    expect(sizeInHead(Buffer.alloc(0))).toBeUndefined();
    expect(sizeInHead(Buffer.from("\xff\xd8\xff\xda\0\x02", "latin1"))).toBeUndefined();
  });

  it("of a JPEG stands behind whatever else its head has, if not too far", async () => {
    const jpeg = await picture("jpeg", { width: 7, height: 5 });
    const behind = (bytes: number) => {
      const block = Buffer.alloc(2 + bytes);
      block.writeUInt16BE(0xffe1, 0);
      block.writeUInt16BE(bytes, 2);
      const all = Buffer.concat([jpeg.subarray(0, 2), block, jpeg.subarray(2)]);
      return sizeInHead(all.subarray(0, HEAD_BYTES));
    };
    expect(behind(3_000)).toEqual({ width: 7, height: 5 });
    expect(behind(9_000)).toBeUndefined();
  });
});
