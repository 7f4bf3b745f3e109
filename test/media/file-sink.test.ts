import { createHash } from "node:crypto";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, it } from "vitest";
import { FileSink, type SinkFile } from "../../src/media/file-sink.ts";
import { tempDir } from "../support/temp-dir.ts";

/** A file in memory that takes as much of each write as it is told to, once it is told to. */
class SlowFile {
  readonly writes: { text: string; position: number }[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #most: number;

  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most;
  }

  readonly file: SinkFile = {
    writev: async (buffers, position) => {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      const all = buffers.map((one) => Buffer.from(one.buffer, one.byteOffset, one.byteLength));
      const taken = Buffer.concat(all).subarray(0, this.#most);
      this.writes.push({ text: taken.toString(), position: position ?? -1 });
      return { bytesWritten: taken.length, buffers };
    },
  };

  /** Lets what is under way go on, if anything is. */
  async goOn(): Promise<void> {
    this.#waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function sinkInto(file: SinkFile, { startsAt = 0, check = (_: number) => {} } = {}) {
  const hash = createHash("sha256");
  const sink = new FileSink(file, { hash, startsAt, check });
  sink.on("error", () => {});
  return { sink, digest: () => hash.digest("hex") };
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("a stream into a file", () => {
  it("is there whole, behind what was there, and known by its digest", async () => {
    const path = join(await tempDir(), "a");
    const file = await open(path, "w");
    await file.write("start ");
    const { sink, digest } = sinkInto(file, { startsAt: 6 });
    await pipeline(Readable.from([Buffer.from("one, "), Buffer.from("two")]), sink);
    await file.close();
    expect(await readFile(path, "utf8")).toBe("start one, two");
    expect(sink.sizeBytes).toBe(14);
    expect(digest()).toBe(sha256("one, two"));
  });

  it("goes into it in few writes: what comes meanwhile is put together", async () => {
    const slow = new SlowFile();
    const { sink } = sinkInto(slow.file);
    for (const piece of ["a", "b", "c", "d"]) sink.write(Buffer.from(piece));
    await slow.goOn();
    await slow.goOn();
    expect(slow.writes).toEqual([
      { text: "a", position: 0 },
      { text: "bcd", position: 1 },
    ]);
  });

  it("is whole where the system takes less than it is given", async () => {
    const slow = new SlowFile(4);
    const { sink, digest } = sinkInto(slow.file);
    for (const piece of ["ab", "cdefgh", "ijk"]) sink.write(Buffer.from(piece));
    const finished = once(sink, "finish");
    sink.end();
    for (let n = 0; n < 5; n++) await slow.goOn();
    await finished;
    expect(slow.writes.map(({ text }) => text)).toEqual(["ab", "cdef", "ghij", "k"]);
    expect(slow.writes.map(({ position }) => position)).toEqual([0, 2, 6, 10]);
    expect(digest()).toBe(sha256("abcdefghijk"));
  });
});

describe("a stream that breaks off", () => {
  it("counts what was being written then", async () => {
    const slow = new SlowFile();
    const { sink } = sinkInto(slow.file);
    sink.write(Buffer.from("under way"));
    const closed = new Promise((resolve) => sink.once("close", resolve));
    sink.destroy(new Error("the connection broke"));
    expect(sink.sizeBytes).toBe(0);
    await slow.goOn();
    await closed;
    expect(sink.sizeBytes).toBe(9);
  });

  it("ends before anything of a piece is written that is one too many", async () => {
    const slow = new SlowFile();
    const asked: number[] = [];
    const { sink } = sinkInto(slow.file, {
      check: (sizeBytes) => {
        asked.push(sizeBytes);
        if (sizeBytes > 3) throw new RangeError("too large");
      },
    });
    const failed = once(sink, "error");
    sink.write(Buffer.from("abc"));
    await slow.goOn();
    sink.write(Buffer.from("d"));
    const [error] = await failed;
    expect(error).toBeInstanceOf(RangeError);
    expect(asked).toEqual([3, 4]);
    expect(slow.writes.map(({ text }) => text)).toEqual(["abc"]);
    expect(sink.sizeBytes).toBe(3);
  });
});
