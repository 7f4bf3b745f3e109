import { execFileSync } from "node:child_process";
import { mkdir, symlink, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { attachFiles } from "../../src/chat/attachments.ts";
import { findFiles } from "../../src/chat/find-files.ts";
import { estimateTokens } from "../../src/chat/tokens.ts";
import type { Places } from "../../src/media/allowed-files.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { SqliteThreadStore } from "../../src/storage/sqlite/sqlite-thread-store.ts";
import { tempDir } from "../support/temp-dir.ts";

let root: string;
let places: Places;

beforeEach(async () => {
  root = join(await tempDir(), "project");
  await mkdir(root);
  places = { allowedDirs: [root], workingDir: root, homeDir: join(root, "home") };
});

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function put(name: string, content: string | Buffer = name): Promise<void> {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), content);
}

const namesOf = async (...patterns: string[]) =>
  (await findFiles(patterns, places)).map(({ name }) => name);

describe("files named by", () => {
  it("a path are that file, whatever characters are in it", async () => {
    await put("app/[id]/page {1}.tsx");
    await put("app/i/page 1.tsx");
    expect(await namesOf("app/[id]/page {1}.tsx")).toEqual(["app/[id]/page {1}.tsx"]);
    expect(await namesOf(join(root, "app/i/page 1.tsx"))).toEqual(["app/i/page 1.tsx"]);
  });

  it("a folder are all below it, in order", async () => {
    for (const name of ["src/b.ts", "src/a/z.ts", "src/a/b.ts", "other.ts"]) await put(name);
    expect(await namesOf("src")).toEqual(["src/a/b.ts", "src/a/z.ts", "src/b.ts"]);
    expect(await namesOf("src/")).toEqual(await namesOf("src"));
  });

  it("a pattern are those that match, each once and in the order of the patterns", async () => {
    for (const name of ["a.md", "src/a.ts", "src/b.js", "src/deep/c.ts"]) await put(name);
    expect(await namesOf("src/**/*.{ts,js}")).toEqual(["src/a.ts", "src/b.js", "src/deep/c.ts"]);
    expect(await namesOf("src/*.js", "**/*.ts", "src/b.js", "*.md")).toEqual([
      "src/b.js",
      "src/a.ts",
      "src/deep/c.ts",
      "a.md",
    ]);
    expect(await namesOf("./src/*.ts")).toEqual(["src/a.ts"]);
    expect(await namesOf(`${root}/**/c.ts`)).toEqual(["src/deep/c.ts"]);
  });

  it("a pattern that matches nothing are an error", async () => {
    await expect(findFiles(["src/*.rs"], places)).rejects.toMatchObject({ code: "invalid_input" });
  });
});

describe("a pattern leaves out", () => {
  it("hidden files, node_modules and .git, unless they are named", async () => {
    for (const name of [".env", ".github/ci.yml", "node_modules/x/i.js", ".git/config", "a.js"]) {
      await put(name);
    }
    expect(await namesOf("**")).toEqual(["a.js"]);
    expect(await namesOf(".github/**")).toEqual([".github/ci.yml"]);
    expect(await namesOf("node_modules/x/*.js")).toEqual(["node_modules/x/i.js"]);
    expect(await namesOf(".env")).toEqual([".env"]);
  });

  it("what .gitignore files say, the nearest deciding", async () => {
    await put(".gitignore", "dist/\n*.log\n!keep.log\n/only-top.txt\n");
    await put("sub/.gitignore", "!debug.log\nsecret.*\n");
    for (const name of [
      "dist/out.js",
      "a.log",
      "keep.log",
      "only-top.txt",
      "sub/only-top.txt",
      "sub/debug.log",
      "sub/other.log",
      "sub/secret.key",
      "sub/dist/x.js",
      "sub/ok.txt",
    ]) {
      await put(name);
    }
    expect(await namesOf("**")).toEqual([
      "keep.log",
      "sub/debug.log",
      "sub/ok.txt",
      "sub/only-top.txt",
    ]);
    expect(await namesOf("a.log")).toEqual(["a.log"]);
  });

  it("the same as git does", async () => {
    await put(".gitignore", "build/\n*.tmp\n!src/keep.tmp\n**/gen/*.ts\ndoc/*.txt\n");
    await put("src/.gitignore", "local.*\n!local.ts\n");
    for (const name of [
      "build/a.ts",
      "src/a.ts",
      "src/keep.tmp",
      "src/drop.tmp",
      "src/gen/a.ts",
      "src/gen/a.js",
      "src/local.js",
      "src/local.ts",
      "doc/a.txt",
      "doc/sub/a.txt",
    ]) {
      await put(name);
    }
    execFileSync("git", ["init", "-q"], { cwd: root });
    const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root });
    const visible = String(listed)
      .trim()
      .split("\n")
      .filter((name) => !name.includes(".git"));
    expect((await namesOf("**")).sort()).toEqual(visible.sort());
  });

  it("the same as git does, whatever the rules are", async () => {
    for (const name of ["a", "ab.c", "b/a", "b/ab.c", "b/c/a.b", "c/b/a", "c/a b"]) await put(name);
    execFileSync("git", ["init", "-q"], { cwd: root });
    const piece = fc.constantFrom("a", "b", "c", ".", "*", "?", "[ab]", "[!a]", "\\a", " ");
    const name = fc
      .array(piece, { minLength: 1, maxLength: 4 })
      .map((pieces) => pieces.join(""))
      // What stars beside other characters mean differs between versions of git.
      .filter((text) => !text.includes("**"));
    const line = fc
      .tuple(
        fc.constantFrom("", "", "!", "/", "//"),
        fc.array(fc.oneof(name, fc.constant("**")), { minLength: 1, maxLength: 3 }),
        fc.constantFrom("", "", "/"),
      )
      .map(([start, names, end]) => start + names.join("/") + end);
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 4 }), async (lines) => {
        await put(".gitignore", lines.join("\n"));
        const listed = execFileSync("git", ["ls-files", "-coz", "--exclude-standard"], {
          cwd: root,
        });
        const visible = String(listed)
          .split("\0")
          .filter((name) => name !== "" && name !== ".gitignore");
        expect((await namesOf("**").catch(() => [])).sort(), lines.join("\n")).toEqual(
          visible.sort(),
        );
      }),
      { numRuns: 100 },
    );
  });

  it("what the repository above it ignores", async () => {
    await put(".git/HEAD", "ref: x");
    await put(".gitignore", "pkg/out/\n");
    await put("pkg/out/a.js");
    await put("pkg/a.js");
    expect(await namesOf("pkg/**")).toEqual(["pkg/a.js"]);
  });

  it("what a repository whose top is not allowed itself ignores", async () => {
    await put(".git/HEAD", "ref: x");
    await put(".gitignore", "pkg/out/\n");
    await put("pkg/out/a.js");
    await put("pkg/a.js");
    const pkg = join(root, "pkg");
    const found = await findFiles(["**"], { ...places, allowedDirs: [pkg], workingDir: pkg });
    expect(found.map(({ name }) => name)).toEqual(["a.js"]);
  });

  it.each(["a pipe", "a folder", "a link, as in git"])(
    "nothing more where .gitignore is %s",
    async (what) => {
      const path = join(root, ".gitignore");
      await put("rules", "*.txt\n");
      await put("a.txt");
      if (what === "a pipe") execFileSync("mkfifo", [path]);
      else if (what === "a folder") await mkdir(path);
      else await symlink("rules", path);
      expect(await namesOf("*.txt")).toEqual(["a.txt"]);
    },
    10_000,
  );

  it("nothing at all by a .gitignore that is too large: it is refused", async () => {
    await put("sub/a.txt");
    await put("sub/.gitignore", `${"#".repeat(1024 * 1024 - 7)}\n*.txt\n`);
    await expect(findFiles(["**/*.txt"], places)).rejects.toThrow("matches no file");
    await put("sub/.gitignore", `${"#".repeat(1024 * 1024 - 6)}\n*.txt\n`);
    await expect(findFiles(["**/*.txt"], places)).rejects.toMatchObject({
      code: "invalid_input",
      message: `${join(root, "sub/.gitignore")} is larger than 1 MiB.`,
    });
    expect(await namesOf("sub/a.txt")).toEqual(["sub/a.txt"]);
  });

  it("links, wherever they lead", async () => {
    const outside = await tempDir();
    await writeFile(join(outside, "secret.txt"), "secret");
    await put("a.txt");
    await symlink(outside, join(root, "away"));
    await symlink(join(outside, "secret.txt"), join(root, "link.txt"));
    await symlink(root, join(root, "circle"));
    expect(await namesOf("**/*.txt")).toEqual(["a.txt"]);
  });
});

describe("a pattern with a leading ! leaves out", () => {
  beforeEach(async () => {
    for (const name of [
      "config/app.json",
      "config/secret.key",
      "config/secrets/deep/a.pem",
      "docs/a.md",
      "docs/deep/b.md",
      "main.ts",
    ]) {
      await put(name);
    }
  });

  it("what the others found, wherever it stands", async () => {
    expect(await namesOf("config/**", "!config/secret*")).toEqual(["config/app.json"]);
    expect(await namesOf("!config/secret*", "config/**")).toEqual(["config/app.json"]);
    expect(await namesOf("**", "!docs/**", "!**/*.{key,pem}")).toEqual([
      "config/app.json",
      "main.ts",
    ]);
  });

  it.each(["!docs", "!docs/", " ! docs ", "!./docs", "!docs/**", "!do*", "!do*/", "!**/docs/"])(
    "a folder with all below it: %s",
    async (pattern) => {
      expect(await namesOf("docs", "main.ts", pattern)).toEqual(["main.ts"]);
      expect(await namesOf("**", "!config", pattern)).toEqual(["main.ts"]);
    },
  );

  it("by absolute paths, from the home folder and through links", async () => {
    await put("home/notes/a.txt");
    await put("home/notes/private.txt");
    await symlink(join(root, "config"), join(root, "settings"));
    expect(await namesOf("config/*", `!${root}/config/s*`)).toEqual(["config/app.json"]);
    expect(await namesOf("home", "!~/notes/p*")).toEqual(["home/notes/a.txt"]);
    expect(await namesOf("settings/*", "!config/s*")).toEqual(["settings/app.json"]);
    expect(await namesOf("config/*", "!settings/s*")).toEqual(["config/app.json"]);
    expect(await namesOf("settings/*", "!**/settings/s*")).toEqual(["settings/app.json"]);
    expect(await namesOf("settings/app.json", "main.ts", "!config")).toEqual(["main.ts"]);
  });

  it("nothing by where a link outside leads, which would tell of it", async () => {
    const outside = await tempDir();
    await writeFile(join(outside, "secret.txt"), "secret");
    await symlink(join(outside, "secret.txt"), join(root, "link.txt"));
    expect(await namesOf("link.txt", `!${outside}/s*`)).toEqual(["link.txt"]);
  });

  it("a file that is named itself only where it matches", async () => {
    await put(".env");
    const named = [".env", "main.ts", "config/secret.key"];
    expect(await namesOf(...named, "!config/app*")).toEqual(named);
    expect(await namesOf(...named, "!**/*.key")).toEqual([".env", "main.ts"]);
    expect(await namesOf(...named, "!config/secret.key", "!.e*")).toEqual(["main.ts"]);
  });

  it("names with characters that mean something, escaped or as they are", async () => {
    await put("app/[id]/page.ts");
    await put("app/(all)/page.ts");
    await put("app/x.ts");
    expect(await namesOf("app", "!app/[id]", "!app/(all)")).toEqual(["app/x.ts"]);
    expect(await namesOf("app", "!app/\\[id\\]/*", "!app/\\(all\\)/**")).toEqual(["app/x.ts"]);
  });

  it("a folder without looking into it", async () => {
    await put("big/a.txt");
    await mkdir(join(root, "big/many"));
    for (let i = 0; i < 5_001; i++) await writeFile(join(root, "big/many", `${i}`), "");
    expect(await namesOf("big", "!big/many")).toEqual(["big/a.txt"]);
  });

  it("nothing where its ! is of a group or stands further in", async () => {
    await put("docs/!new.md");
    expect(await namesOf("!(config|docs)*")).toEqual(["main.ts"]);
    expect(await namesOf("docs/!*")).toEqual(["docs/!new.md"]);
    expect(await namesOf("docs/!(a).md")).toEqual(["docs/!new.md"]);
    expect(await namesOf("docs/**", "!docs/!*")).toEqual(["docs/a.md", "docs/deep/b.md"]);
  });

  it("what leaves nothing is refused, and so is a list of nothing else", async () => {
    await expect(findFiles(["!docs", "!**/*.key"], places)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("only patterns with a leading `!`"),
      next: expect.stringContaining("Add a path, folder or pattern"),
    });
    for (const list of [
      ["docs/**", "!docs"],
      ["main.ts", "!*.ts"],
    ]) {
      await expect(findFiles(list, places)).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining("leave out every file"),
      });
    }
    await expect(findFiles(["main.ts", "docs/*.rs", "!docs/*.md"], places)).rejects.toMatchObject({
      message: "docs/*.rs matches no file.",
    });
  });
});

describe("refused are", () => {
  it.each(["/etc/*.conf", "../**", "/etc", "/proc/self/*"])(
    "patterns outside: %s",
    async (given) => {
      const refusal = findFiles([given], places);
      await expect(refusal).rejects.toMatchObject({
        code: "invalid_input",
        next: expect.stringContaining(root),
      });
    },
  );

  it("more files than anyone means", async () => {
    await mkdir(join(root, "many"));
    for (let i = 0; i < 5_001; i++) await writeFile(join(root, "many", `${i}`), "");
    await expect(findFiles(["many"], places)).rejects.toMatchObject({
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
    places,
    findEarlier: () => Promise.reject(new Error("nothing earlier was named")),
    known: [],
    now: 1,
  });

  it("is kept to the last character, however it is cut into pieces", async () => {
    const threads = await store();
    const text = `${"a".repeat(65_535)}é${"b🐋".repeat(40_000)}\n"\\\u0001 ${"漢字".repeat(50_000)}`;
    await put("big.txt", text);
    await put("marked.txt", `\uFEFF${text}`);
    await put("le.txt", Buffer.from(`\uFEFF${text}`, "utf16le"));
    await put("be.txt", Buffer.from(`\uFEFF${text}`, "utf16le").swap16());
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
    await put("a.txt", bytes);
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
  ])(
    "is refused for %s if it was named, left out if a pattern found it",
    async (_n, bytes, seems) => {
      const threads = await store();
      await put("a.bin", bytes);
      await put("b.txt", "text");
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
    await put("cat.txt", Buffer.from(hex, "hex"));
    await expect(attachFiles(threads, request(["cat.txt"]))).rejects.toMatchObject({
      code: "invalid_input",
      message: `cat.txt is a picture (${type}), and this model reads text only.`,
      next: expect.stringContaining("nothing was sent"),
    });
  });

  it("of more than anything takes is refused by its size, naming the biggest", async () => {
    const threads = await store();
    await put("huge.txt");
    await truncate(join(root, "huge.txt"), 65 * 1024 * 1024);
    await put("small.txt");
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
    await symlink(join(outside, "secret.txt"), join(root, "link.txt"));
    await expect(attachFiles(threads, request(["link.txt"]))).rejects.toMatchObject({
      message: expect.stringContaining("outside the allowed folders"),
      next: expect.stringContaining(root),
    });
  });
});

describe("the estimate of tokens", () => {
  it("never shrinks when text is added, and is never more than a token a character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        const [one, both] = [estimateTokens(a), estimateTokens(a + b)];
        return both >= one && one <= a.length;
      }),
    );
  });
});
