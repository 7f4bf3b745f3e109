import { mkdir, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { attachFiles } from "../../src/chat/attachments.ts";
import { findFiles } from "../../src/chat/find-files.ts";
import { estimateTokens } from "../../src/chat/tokens.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { SqliteThreadStore } from "../../src/storage/sqlite/sqlite-thread-store.ts";
import { anyText } from "../support/any-text.ts";
import { projectFolder } from "../support/project-folder.ts";
import { tempDir } from "../support/temp-dir.ts";

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const project = projectFolder();

describe("refused are", () => {
  it.each(["/etc/*.conf", "../**", "/etc", "/proc/self/*"])(
    "patterns outside: %s",
    async (given) => {
      const refusal = findFiles([given], project.places);
      await expect(refusal).rejects.toMatchObject({
        code: "invalid_input",
        next: expect.stringContaining(project.root),
      });
    },
  );

  it("more files than anyone means", async () => {
    await mkdir(join(project.root, "many"));
    for (let i = 0; i < 5_001; i++) await writeFile(join(project.root, "many", `${i}`), "");
    await expect(findFiles(["many"], project.places)).rejects.toMatchObject({
      message: "`files` names more than 5000 files.",
    });
  });
});

describe("attached text", () => {
  async function store(): Promise<SqliteThreadStore> {
    const connection = new Connection(await tempDir());
    const jobs = new SqliteJobStore(connection);
    onTestFinished(() => jobs.close());
    return new SqliteThreadStore(connection);
  }
  const request = (patterns: string[]) => ({
    owner: "local",
    jobId: "job_x",
    threadId: "thread_x",
    patterns,
    places: project.places,
    isRemote: false,
    findEarlier: () => Promise.reject(new Error("nothing earlier was named")),
    known: [],
    now: 1,
  });

  it("is kept to the last character, however it is cut into pieces", async () => {
    const threads = await store();
    const text = `${"a".repeat(65_535)}é${"b🐋".repeat(40_000)}\n"\\\u0001 ${"漢字".repeat(50_000)}`;
    await project.put("big.txt", text);
    await project.put("marked.txt", `\uFEFF${text}`);
    await project.put("le.txt", Buffer.from(`\uFEFF${text}`, "utf16le"));
    await project.put("be.txt", Buffer.from(`\uFEFF${text}`, "utf16le").swap16());
    const names = ["big.txt", "marked.txt", "le.txt", "be.txt"];
    const { files } = await attachFiles(threads, request(names));
    expect(files.map(({ name }) => name)).toEqual(names);
    for (const file of files) {
      const kept = threads.content("local", file);
      const pieces = await allOf(kept.pieces());
      expect(JSON.parse(`"${Buffer.concat(pieces)}"`) === text, file.name).toBe(true);
      expect(pieces.length).toBeGreaterThan(3);
      expect(kept.jsonBytes).toBe(Buffer.byteLength(JSON.stringify(text)) - 2);
      expect(file.tokens).toBeGreaterThan(estimateTokens(text) - 1);
    }
    expect(files[0]?.sizeBytes).toBe(Buffer.byteLength(text));
  });

  it.each([
    ["UTF-16 without a mark", Buffer.from("plain words\r\n", "utf16le"), "plain words\r\n"],
    ["the other one", Buffer.from("Zürich 1\n", "utf16le").swap16(), "Zürich 1\n"],
    ["no bytes at all", Buffer.alloc(0), ""],
    ["a mark and no more", Buffer.from("\uFEFF"), ""],
    ["text like a picture's name", Buffer.from("BM is a company\n"), "BM is a company\n"],
  ])("is read as %s", async (_name, bytes, text) => {
    const threads = await store();
    await project.put("a.txt", bytes);
    const [file] = (await attachFiles(threads, request(["a.txt"]))).files;
    if (!file) expect.fail("nothing was attached");
    expect(
      JSON.parse(`"${Buffer.concat(await allOf(threads.content("local", file).pieces()))}"`),
    ).toBe(text);
  });

  it.each([
    ["a zero byte", Buffer.from([0x61, 0, 0x62]), "binary data"],
    ["half a character of UTF-16", Buffer.from([0xff, 0xfe, 0x41]), "damaged UTF-16LE text"],
    ["half a pair of UTF-16", Buffer.from([0xff, 0xfe, 0x3d, 0xd8]), "damaged UTF-16LE text"],
    ["a character cut at the end", Buffer.from([0x61, 0xe2, 0x82]), "damaged UTF-8 text"],
    ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), "UTF-32 text"],
    ["Latin letters of old", Buffer.from("Zürich ist schön, Köln auch.", "latin1"), "Windows-1252"],
    ["Japanese of old", Buffer.from("93fa967b8cea82cc83658358836783", "hex"), "Shift_JIS"],
    ["a document", Buffer.from("%PDF-1.7\n\0\u00ff", "latin1"), "type application/pdf"],
    ["a document in ASCII", Buffer.from("%PDF-1.4\n1 0 obj"), "type application/pdf"],
  ])(
    "is refused for %s if it was named, left out if a pattern found it",
    async (_n, bytes, seems) => {
      const threads = await store();
      await project.put("a.bin", bytes);
      await project.put("b.txt", "text");
      await expect(attachFiles(threads, request(["a.bin"]))).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringMatching(
          new RegExp(
            `^a\\.bin is no text in UTF-8 or UTF-16: it seems to be .*${seems}.*text only`,
          ),
        ),
        next: expect.stringContaining("UTF-8"),
      });
      const { files, warnings } = await attachFiles(threads, request(["*"]));
      expect(files.map(({ name, position }) => [name, position])).toEqual([["b.txt", 0]]);
      expect(warnings).toEqual([
        expect.stringMatching(/^Left out because they are no.*: a\.bin\./),
      ]);
    },
  );

  it.each([
    ["PNG", "89504e470d0a1a0a0000000d49484452"],
    ["JPG", "ffd8ffe000104a46494600010100"],
    ["WEBP", "524946462400000057454250565038"],
  ])("is refused for a picture (%s): the model reads text only", async (type, hex) => {
    const threads = await store();
    await project.put("cat.txt", Buffer.from(hex, "hex"));
    await expect(attachFiles(threads, request(["cat.txt"]))).rejects.toMatchObject({
      code: "invalid_input",
      message: `cat.txt is a picture (${type}), and this model reads text only.`,
      next: expect.stringContaining("nothing was sent"),
    });
  });

  it("of more than anything takes is refused by its size, naming the biggest", async () => {
    const threads = await store();
    await project.put("huge.txt");
    await truncate(join(project.root, "huge.txt"), 65 * 1024 * 1024);
    await project.put("small.txt");
    await expect(attachFiles(threads, request(["*.txt"]))).rejects.toMatchObject({
      message: expect.stringMatching(
        / 68,157,4\d\d bytes in all, more than the 67,108,864 bytes.*The biggest: huge\.txt \(68,157,440 bytes\)/,
      ),
    });
  });

  it("through a link that leads out is refused", async () => {
    const threads = await store();
    const outside = await tempDir();
    await writeFile(join(outside, "secret.txt"), "secret");
    await symlink(join(outside, "secret.txt"), join(project.root, "link.txt"));
    await expect(attachFiles(threads, request(["link.txt"]))).rejects.toMatchObject({
      message: expect.stringContaining("outside the allowed folders"),
      next: expect.stringContaining(project.root),
    });
  });
});

describe("the estimate of tokens", () => {
  it("never shrinks when text is added, and is never more than a token a character", () => {
    fc.assert(
      fc.property(anyText(), anyText(), (a, b) => {
        const [one, both] = [estimateTokens(a), estimateTokens(a + b)];
        return both >= one && one <= a.length;
      }),
    );
  });
});
