import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { findFiles } from "../../src/chat/find-files.ts";
import { projectFolder } from "../support/project-folder.ts";
import { tempDir } from "../support/temp-dir.ts";

const project = projectFolder();

describe("a pattern leaves out", () => {
  it("hidden files, node_modules and .git, unless they are named", async () => {
    for (const name of [".env", ".github/ci.yml", "node_modules/x/i.js", ".git/config", "a.js"]) {
      await project.put(name);
    }
    expect(await project.namesOf("**")).toEqual(["a.js"]);
    expect(await project.namesOf(".github/**")).toEqual([".github/ci.yml"]);
    expect(await project.namesOf("node_modules/x/*.js")).toEqual(["node_modules/x/i.js"]);
    expect(await project.namesOf(".env")).toEqual([".env"]);
  });

  it("what .gitignore files say, the nearest deciding", async () => {
    await project.put(".gitignore", "dist/\n*.log\n!keep.log\n/only-top.txt\n");
    await project.put("sub/.gitignore", "!debug.log\nsecret.*\n");
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
      await project.put(name);
    }
    expect(await project.namesOf("**")).toEqual([
      "keep.log",
      "sub/debug.log",
      "sub/ok.txt",
      "sub/only-top.txt",
    ]);
    expect(await project.namesOf("a.log")).toEqual(["a.log"]);
  });

  it("the same as git does", async () => {
    await project.put(".gitignore", "build/\n*.tmp\n!src/keep.tmp\n**/gen/*.ts\ndoc/*.txt\n");
    await project.put("src/.gitignore", "local.*\n!local.ts\n");
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
      await project.put(name);
    }
    execFileSync("git", ["init", "-q"], { cwd: project.root });
    const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], {
      cwd: project.root,
    });
    const visible = String(listed)
      .trim()
      .split("\n")
      .filter((name) => !name.includes(".git"));
    expect((await project.namesOf("**")).sort()).toEqual(visible.sort());
  });

  it("the same as git does, whatever the rules are", async () => {
    for (const name of ["a", "ab.c", "b/a", "b/ab.c", "b/c/a.b", "c/b/a", "c/a b"])
      await project.put(name);
    execFileSync("git", ["init", "-q"], { cwd: project.root });
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
        await project.put(".gitignore", lines.join("\n"));
        const listed = execFileSync("git", ["ls-files", "-coz", "--exclude-standard"], {
          cwd: project.root,
        });
        const visible = String(listed)
          .split("\0")
          .filter((name) => name !== "" && name !== ".gitignore");
        expect((await project.namesOf("**").catch(() => [])).sort(), lines.join("\n")).toEqual(
          visible.sort(),
        );
      }),
      { numRuns: 100 },
    );
  });

  it("what the repository above it ignores", async () => {
    await project.put(".git/HEAD", "ref: x");
    await project.put(".gitignore", "pkg/out/\n");
    await project.put("pkg/out/a.js");
    await project.put("pkg/a.js");
    expect(await project.namesOf("pkg/**")).toEqual(["pkg/a.js"]);
  });

  it("what a repository whose top is not allowed itself ignores", async () => {
    await project.put(".git/HEAD", "ref: x");
    await project.put(".gitignore", "pkg/out/\n");
    await project.put("pkg/out/a.js");
    await project.put("pkg/a.js");
    const pkg = join(project.root, "pkg");
    const found = await findFiles(["**"], {
      ...project.places,
      allowedDirs: [pkg],
      workingDir: pkg,
    });
    expect(found.map(({ name }) => name)).toEqual(["a.js"]);
  });

  it.each(["a pipe", "a folder", "a link, as in git"])(
    "nothing more where .gitignore is %s",
    async (what) => {
      const path = join(project.root, ".gitignore");
      await project.put("rules", "*.txt\n");
      await project.put("a.txt");
      if (what === "a pipe") execFileSync("mkfifo", [path]);
      else if (what === "a folder") await mkdir(path);
      else await symlink("rules", path);
      expect(await project.namesOf("*.txt")).toEqual(["a.txt"]);
    },
    10_000,
  );

  it("nothing at all by a .gitignore that is too large: it is refused", async () => {
    await project.put("sub/a.txt");
    await project.put("sub/.gitignore", `${"#".repeat(1024 * 1024 - 7)}\n*.txt\n`);
    await expect(findFiles(["**/*.txt"], project.places)).rejects.toThrow("matches no file");
    await project.put("sub/.gitignore", `${"#".repeat(1024 * 1024 - 6)}\n*.txt\n`);
    await expect(findFiles(["**/*.txt"], project.places)).rejects.toMatchObject({
      code: "invalid_input",
      message: `${join(project.root, "sub/.gitignore")} is larger than 1 MiB.`,
    });
    expect(await project.namesOf("sub/a.txt")).toEqual(["sub/a.txt"]);
  });

  it("links, wherever they lead", async () => {
    const outside = await tempDir();
    await writeFile(join(outside, "secret.txt"), "secret");
    await project.put("a.txt");
    await symlink(outside, join(project.root, "away"));
    await symlink(join(outside, "secret.txt"), join(project.root, "link.txt"));
    await symlink(project.root, join(project.root, "circle"));
    expect(await project.namesOf("**/*.txt")).toEqual(["a.txt"]);
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
      await project.put(name);
    }
  });

  it("what the others found, wherever it stands", async () => {
    expect(await project.namesOf("config/**", "!config/secret*")).toEqual(["config/app.json"]);
    expect(await project.namesOf("!config/secret*", "config/**")).toEqual(["config/app.json"]);
    expect(await project.namesOf("**", "!docs/**", "!**/*.{key,pem}")).toEqual([
      "config/app.json",
      "main.ts",
    ]);
  });

  it.each(["!docs", "!docs/", " ! docs ", "!./docs", "!docs/**", "!do*", "!do*/", "!**/docs/"])(
    "a folder with all below it: %s",
    async (pattern) => {
      expect(await project.namesOf("docs", "main.ts", pattern)).toEqual(["main.ts"]);
      expect(await project.namesOf("**", "!config", pattern)).toEqual(["main.ts"]);
    },
  );

  it("by absolute paths, from the home folder and through links", async () => {
    await project.put("home/notes/a.txt");
    await project.put("home/notes/private.txt");
    await symlink(join(project.root, "config"), join(project.root, "settings"));
    expect(await project.namesOf("config/*", `!${project.root}/config/s*`)).toEqual([
      "config/app.json",
    ]);
    expect(await project.namesOf("home", "!~/notes/p*")).toEqual(["home/notes/a.txt"]);
    expect(await project.namesOf("settings/*", "!config/s*")).toEqual(["settings/app.json"]);
    expect(await project.namesOf("config/*", "!settings/s*")).toEqual(["config/app.json"]);
    expect(await project.namesOf("settings/*", "!**/settings/s*")).toEqual(["settings/app.json"]);
    expect(await project.namesOf("settings/app.json", "main.ts", "!config")).toEqual(["main.ts"]);
  });

  it("nothing by where a link outside leads, which would tell of it", async () => {
    const outside = await tempDir();
    await writeFile(join(outside, "secret.txt"), "secret");
    await symlink(join(outside, "secret.txt"), join(project.root, "link.txt"));
    expect(await project.namesOf("link.txt", `!${outside}/s*`)).toEqual(["link.txt"]);
  });

  it("a file that is named itself only where it matches", async () => {
    await project.put(".env");
    const named = [".env", "main.ts", "config/secret.key"];
    expect(await project.namesOf(...named, "!config/app*")).toEqual(named);
    expect(await project.namesOf(...named, "!**/*.key")).toEqual([".env", "main.ts"]);
    expect(await project.namesOf(...named, "!config/secret.key", "!.e*")).toEqual(["main.ts"]);
  });

  it("names with characters that mean something, escaped or as they are", async () => {
    await project.put("app/[id]/page.ts");
    await project.put("app/(all)/page.ts");
    await project.put("app/x.ts");
    expect(await project.namesOf("app", "!app/[id]", "!app/(all)")).toEqual(["app/x.ts"]);
    expect(await project.namesOf("app", "!app/\\[id\\]/*", "!app/\\(all\\)/**")).toEqual([
      "app/x.ts",
    ]);
  });

  it("a folder without looking into it", async () => {
    await project.put("big/a.txt");
    await mkdir(join(project.root, "big/many"));
    for (let i = 0; i < 5_001; i++) await writeFile(join(project.root, "big/many", `${i}`), "");
    expect(await project.namesOf("big", "!big/many")).toEqual(["big/a.txt"]);
  });

  it("nothing where its ! is of a group or stands further in", async () => {
    await project.put("docs/!new.md");
    expect(await project.namesOf("!(config|docs)*")).toEqual(["main.ts"]);
    expect(await project.namesOf("docs/!*")).toEqual(["docs/!new.md"]);
    expect(await project.namesOf("docs/!(a).md")).toEqual(["docs/!new.md"]);
    expect(await project.namesOf("docs/**", "!docs/!*")).toEqual(["docs/a.md", "docs/deep/b.md"]);
  });

  it("what leaves nothing is refused, and so is a list of nothing else", async () => {
    await expect(findFiles(["!docs", "!**/*.key"], project.places)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("only patterns with a leading `!`"),
      next: expect.stringContaining("Add a path, folder or pattern"),
    });
    for (const list of [
      ["docs/**", "!docs"],
      ["main.ts", "!*.ts"],
    ]) {
      await expect(findFiles(list, project.places)).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining("leave out every file"),
      });
    }
    await expect(
      findFiles(["main.ts", "docs/*.rs", "!docs/*.md"], project.places),
    ).rejects.toMatchObject({
      message: "docs/*.rs matches no file.",
    });
  });
});
