import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ZipFile } from "yazl";
import { inspectZip } from "../../src/inputs/training-zip.ts";
import { textOf } from "../e2e/answers.ts";
import { Bench } from "../e2e/harness.ts";
import type { McpClient } from "../e2e/mcp-client.ts";
import { picture } from "../support/pictures.ts";
import { zipOf } from "../support/zip.ts";

const WISHES = { defaultCaption: "a cat", referenceCount: undefined };
const DIRECTORY_MARK = Buffer.from("PK\u0001\u0002", "latin1");
const END_MARK = Buffer.from("PK\u0005\u0006", "latin1");
const MIB = 1024 * 1024;

/** The archive with another central directory: its records, changed at will. */
function withDirectory(zip: Buffer, change: (records: Buffer[]) => Buffer[]): Buffer {
  const end = zip.lastIndexOf(END_MARK);
  const start = zip.readUInt32LE(end + 16);
  const records: Buffer[] = [];
  for (let at = start; at < end; ) {
    const size =
      46 + zip.readUInt16LE(at + 28) + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
    records.push(Buffer.from(zip.subarray(at, at + size)));
    at += size;
  }
  const changed = change(records);
  const directory = Buffer.concat(changed);
  const tail = Buffer.from(zip.subarray(end));
  tail.writeUInt16LE(changed.length, 8);
  tail.writeUInt16LE(changed.length, 10);
  tail.writeUInt32LE(directory.length, 12);
  return Buffer.concat([zip.subarray(0, start), directory, tail]);
}

const pair = async () => ({ "a_start.png": await picture(), "a_end.png": await picture() });

async function numbered(count: number, bytes: Buffer): Promise<Buffer> {
  const names = Array.from({ length: count }, (_, i) => `${i}.txt`);
  return zipOf({ ...(await pair()), ...Object.fromEntries(names.map((name) => [name, bytes])) });
}

/** Archives that must not be opened, and what is said of them. */
const HOSTILE: Readonly<Record<string, { make: () => Promise<Buffer>; says: RegExp }>> = {
  "many files that each burst a little": {
    make: () => numbered(300, Buffer.alloc(100_000)),
    says: /would grow from [\d,]+ bytes to 30,[\d,]+ bytes, more than 100 times/,
  },
  "files that burst, hidden among files that do not": {
    make: async () =>
      zipOf({
        ...(await pair()),
        "fill.bin": Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * i * 7919) >>> 8)),
        "zero.bin": Buffer.alloc(40 * MIB),
      }),
    says: /would grow from/,
  },
  "a burst that just begins to matter": {
    make: () => zipOf({ "a.txt": Buffer.alloc(MIB) }),
    says: /would grow from [\d,]+ bytes to 1,048,576 bytes/,
  },
  "a total above 2 GiB, whatever each file's size": {
    make: async () =>
      withDirectory(await numbered(30, Buffer.from("x")), (records) =>
        records.map((record) => {
          record.writeUInt32LE(100 * MIB, 24);
          return record;
        }),
      ),
    says: /more than 2,147,483,648 bytes \(2 GiB\)/,
  },
  "too many files": {
    make: () => numbered(20_000, Buffer.alloc(0)),
    says: /more than 20000 files/,
  },
  "a size that is a lie": {
    make: async () =>
      withDirectory(await zipOf({ "a_start.png": Buffer.alloc(8 * MIB) }), (records) =>
        records.map((record) => {
          record.writeUInt32LE(1000, 24);
          return record;
        }),
      ),
    says: /a_start\.png is damaged inside the archive/,
  },
  "files that are the same bytes under many names": {
    make: async () =>
      withDirectory(await zipOf({ "a.txt": Buffer.alloc(50_000) }), ([record]) =>
        record
          ? ["a", "b", "c"].map((letter) => {
              const copy = Buffer.from(record);
              copy.write(letter, 46);
              return copy;
            })
          : [],
      ),
    says: /overlap|called otherwise/,
  },
  "two files of one name": {
    make: async () => {
      const zip = new ZipFile();
      for (const size of [40, 41])
        zip.addBuffer(await picture("png", { width: size }), "a_start.png");
      zip.end();
      return buffer(zip.outputStream);
    },
    says: /two files that are called a_start\.png/,
  },
  "a file with one name here and another there": {
    make: async () =>
      withDirectory(await zipOf(await pair()), (records) =>
        records.map((record) => {
          record.write("b", 46);
          return record;
        }),
      ),
    says: /called otherwise/,
  },
  "bytes that changed on the way": {
    make: async () => {
      const zip = await zipOf({ ...(await pair()), "a.txt": Buffer.from("a cat on a mat") });
      const crc = zip.lastIndexOf(DIRECTORY_MARK) + 16;
      zip.writeUInt32LE((zip.readUInt32LE(crc) ^ 1) >>> 0, crc);
      return zip;
    },
    says: /a\.txt is damaged inside the archive \(its checksum differs\)/,
  },
  "a picture that is cut": {
    make: async () =>
      zipOf({ ...(await pair()), "b_start.png": (await picture()).subarray(0, -20) }),
    says: /b_start\.png is cut short or damaged/,
  },
  "a picture without a byte": {
    make: async () => zipOf({ ...(await pair()), "deep/er/b_start.jpg": Buffer.alloc(0) }),
    says: /deep\/er\/b_start\.jpg is empty/,
  },
  "a directory that leads nowhere": {
    make: async () => {
      const zip = await zipOf(await pair());
      zip.writeUInt32LE(0xfffffff0, zip.lastIndexOf(END_MARK) + 16);
      return zip;
    },
    says: /no ZIP file that can be read/,
  },
};

const made = new Map<string, Buffer>();
beforeAll(async () => {
  for (const [name, { make }] of Object.entries(HOSTILE)) made.set(name, await make());
});

describe("an archive is measured as a whole", () => {
  test.each(Object.entries(HOSTILE))("and refused: %s", async (name, { says }) => {
    const { problems } = await inspectZip(made.get(name) ?? Buffer.alloc(0), WISHES);
    expect(problems.join("\n")).toMatch(says);
  });

  test("and is in order just below the limits", async () => {
    const { problems } = await inspectZip(await numbered(9, Buffer.alloc(100_000)), WISHES);
    expect(problems).toEqual([]);
  });

  test.each([
    ["a size that follows the bytes", false],
    ["the form for large files", true],
  ])("and read in every form: %s", async (_, forceZip64Format) => {
    const zip = new ZipFile();
    for (const [name, bytes] of Object.entries(await pair())) {
      zip.addReadStream(Readable.from([bytes]), name, { forceZip64Format });
    }
    zip.end({ forceZip64Format, comment: "" });
    const report = await inspectZip(await buffer(zip.outputStream), WISHES);
    expect(report).toMatchObject({ pairs: 1, problems: [] });
  });
});

describe("through the program", () => {
  let bench: Bench;
  let client: McpClient;

  beforeAll(async () => {
    bench = await Bench.open();
    ({ client } = await bench.connect("client 2.x"));
  });
  afterAll(() => bench.close());

  const start = (image_data_url: string, dry_run: boolean) =>
    client.call("qwen_image_edit_plus_train", {
      image_data_url,
      default_caption: "a cat",
      dry_run,
    });

  async function expectRefused(path: string, says: RegExp) {
    for (const check of [true, false]) {
      const result = await start(path, check);
      expect(result.isError).toBe(true);
      expect(textOf(result)).toMatch(says);
      expect(textOf(result)).toMatch(/^invalid_input: /);
    }
    expect(bench.posts).toBe(0);
  }

  test("every such archive is refused, checked or bought, and nothing is sent", async () => {
    for (const [name, { says }] of Object.entries(HOSTILE)) {
      await writeFile(join(bench.folder, "set.zip"), made.get(name) ?? "");
      await expectRefused("set.zip", says);
    }
  });

  test.each([
    ["cut", async () => (await picture("jpeg")).subarray(0, -2), /b_end\.png is cut short/],
    ["empty", async () => Buffer.alloc(0), /b_end\.png is empty/],
    ["text", async () => Buffer.from("hello"), /b_end\.png is not a picture/],
  ])("a folder with a picture that is %s names it", async (name, make, says) => {
    const folder = join(bench.folder, name);
    await mkdir(folder);
    for (const [file, bytes] of Object.entries(await pair())) {
      await writeFile(join(folder, file), bytes);
    }
    await writeFile(join(folder, "b_end.png"), await make());
    await expectRefused(name, says);
  });
});
