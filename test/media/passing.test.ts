import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { DownloadFailure } from "../../src/media/download-failure.ts";
import { Passing } from "../../src/media/passing.ts";
import { settle } from "../support/fake-clock.ts";

const PIECE = 64 * 1024;
const CONTENT = randomBytes(32 * PIECE);

function piecesOf(bytes: Buffer): Readable {
  const count = Math.ceil(bytes.length / PIECE);
  const at = (n: number) => bytes.subarray(n * PIECE, (n + 1) * PIECE);
  return Readable.from(
    Array.from({ length: count }, (_, n) => at(n)),
    { objectMode: false },
  );
}

function open(length: number, check: (sizeBytes: number) => void = () => {}) {
  const seen: string[] = [];
  const passing = new Passing({ length, check, whole: () => seen.push("whole") });
  return { passing, seen };
}

describe("a file that passes", () => {
  it("is what came, with its digest, and said to be whole once, before its end", async () => {
    const { passing, seen } = open(CONTENT.length);
    const source = piecesOf(CONTENT.subarray(100));
    passing.on("end", () => seen.push("end"));
    passing.begin([CONTENT.subarray(0, 60), CONTENT.subarray(60, 100)], source);
    expect((await buffer(passing)).equals(CONTENT)).toBe(true);
    expect(passing.digest()).toBe(createHash("sha256").update(CONTENT).digest("hex"));
    expect(seen).toEqual(["whole", "end"]);
  });

  it("waits where it comes from, but for its end, which whoever sends it may take with him", async () => {
    const { passing } = open(CONTENT.length);
    const source = piecesOf(CONTENT);
    passing.begin([], source);
    await settle(100);
    expect(source.readableEnded).toBe(false);
    let taken = 0;
    while (taken < CONTENT.length - 3 * PIECE) {
      taken += passing.read()?.length ?? 0;
      await settle(1);
    }
    await settle(100);
    expect(source.readableEnded).toBe(true);
    expect(taken + (await buffer(passing)).length).toBe(CONTENT.length);
  });

  it.each([
    [CONTENT.length + 1, false],
    [CONTENT.length - 1, false],
    [10 * PIECE, true],
  ])("fails where it is not as long as it was to be: %i bytes", async (length, isWhole) => {
    const { passing, seen } = open(length);
    passing.begin([], piecesOf(CONTENT));
    await expect(buffer(passing)).rejects.toMatchObject({ kind: "transient" });
    expect(passing.errored).toBeInstanceOf(DownloadFailure);
    expect(seen).toEqual(isWhole ? ["whole"] : []);
  });

  it("fails with what it must not be, and with what its source fails with", async () => {
    const tooLarge = new DownloadFailure("refused", "too large");
    const { passing } = open(CONTENT.length, (sizeBytes) => {
      if (sizeBytes > 5 * PIECE) throw tooLarge;
    });
    passing.begin([], piecesOf(CONTENT));
    await expect(buffer(passing)).rejects.toBe(tooLarge);

    const other = open(CONTENT.length).passing;
    const source = piecesOf(CONTENT);
    other.begin([], source);
    source.destroy(new RangeError("inside"));
    await expect(buffer(other)).rejects.toMatchObject({ message: "the connection broke" });
  });
});
