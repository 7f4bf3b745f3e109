import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { Effort } from "../../src/chat/effort.ts";
import { findFiles } from "../../src/chat/find-files.ts";
import type { Places } from "../../src/media/allowed-files.ts";
import { tempDir } from "../support/temp-dir.ts";

/*
 * What is counted here are steps of work and not seconds: so a test tells the same on every machine.
 */

/** Far below what a matcher that goes back and forth takes, far above what one walk takes. */
const FEW_STEPS = 5_000_000;
const LONG_NAME = "a".repeat(250);

let root: string;
let places: Places;

beforeEach(async () => {
  root = await tempDir();
  places = { allowedDirs: [root], workingDir: root, homeDir: join(root, "home") };
  await put(LONG_NAME);
  await put("docs/c.txt");
});

async function put(name: string, content = ""): Promise<void> {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), content);
}

async function found(...patterns: string[]): Promise<string[]> {
  return (await findFiles(patterns, places, new Effort(FEW_STEPS))).map(({ name }) => name);
}

describe("a pattern is matched in few steps, or refused at once", () => {
  it.each([
    "*a".repeat(60).concat("b"),
    `${"*".repeat(450)}b`,
    "**/".repeat(150).concat("nothing"),
    "?*".repeat(200).concat("b"),
    "[a-z]*".repeat(60).concat("[0-9]"),
    "+(a|aa|aaa|aaaa)b",
    "*(a|aa)*(a|aa)*(a|aa)*(a|aa)*(a|aa)b",
    "+(*a|a*|*)b",
    "!(a)!(a)!(a)!(a)b",
    "!(*a*a*a*a*a)",
    "{a,aa}*".repeat(6).concat("b"),
    "[".repeat(450).concat("*"),
    "{".repeat(450).concat("*"),
    "(".repeat(450).concat("*"),
    "+(".concat("|".repeat(400), ")b"),
    "\\x".repeat(200).concat("*"),
  ])("%s finds nothing", async (pattern) => {
    const refusal = { code: "invalid_input", message: expect.stringContaining("matches no file") };
    await expect(found(pattern)).rejects.toMatchObject(refusal);
    const left: unknown = await found("**", `!${pattern}`).catch((error: unknown) => error);
    expect(String(left)).not.toContain("too much work");
  });

  it.each([
    ["+(+(a|aa)|+(aaa|aaaa))b", /group of names inside another/],
    ["*(*(*(*(a))))", /group of names inside another/],
    ["!(!(!(a)))", /group of names inside another/],
    ["{1..1000000}", /more than 200 patterns/],
    ["{0..999999999}", /more than 200 patterns/],
    ["{a,b}".repeat(20), /more than 200 patterns/],
    [`${"{a,".repeat(90)}b${"}".repeat(90)}{c,d,e}`, /more than 200 patterns/],
    [`{${"a,".repeat(240)}b}`, /more than 200 patterns/],
    ["*".repeat(501), /501 characters; 500 are possible/],
    ["a*".repeat(1_000_000), /2000000 characters/],
    [`${"{a,b}".repeat(1_000_000)}`, /characters/],
  ])("%s is refused, saying what is possible", async (pattern, why) => {
    for (const list of [[pattern], ["docs", `!${pattern}`]]) {
      const refusal: unknown = await found(...list).catch((error: unknown) => error);
      expect(refusal).toMatchObject({
        code: "invalid_input",
        message: expect.stringMatching(why),
        next: expect.stringContaining("nothing was sent"),
      });
      expect(String(refusal).length).toBeLessThan(400);
    }
  });

  it("lists of more patterns than anyone means are refused", async () => {
    await expect(found(...Array.from({ length: 1_001 }, () => "docs"))).rejects.toMatchObject({
      message: "`files` has 1001 entries; 1000 are possible.",
    });
    await expect(
      found(...Array.from({ length: 30 }, () => "*a".repeat(200))),
    ).rejects.toMatchObject({ message: expect.stringContaining("characters in all") });
  });

  it("many walks are one sum", async () => {
    for (let i = 0; i < 50; i++) await put(`many/${i}`);
    const refusal = { code: "invalid_input", message: expect.stringContaining("too much work") };
    await expect(found(...Array.from({ length: 100 }, (_, i) => `**/x${i}*`))).rejects.toThrow();
    await expect(
      found("many", ...Array.from({ length: 100 }, () => "many/**")),
    ).rejects.toMatchObject(refusal);
  });

  it("a name that looks like a hostile pattern is a name where there is such a file", async () => {
    await put("+(+(a)).txt");
    await put("{1..1000000}.txt");
    expect(await found("+(+(a)).txt", "{1..1000000}.txt")).toEqual([
      "+(+(a)).txt",
      "{1..1000000}.txt",
    ]);
  });
});

describe("what a foreign repository holds is gone through in few steps, or refused", () => {
  it.each([
    "*a".repeat(100).concat("b"),
    `${"?*".repeat(1_000)}b`,
    `/${"**/".repeat(1_000)}nothing`,
    `${"[a-z]*".repeat(500)}[0-9]`,
    "*".repeat(4_000).concat("z"),
    "[".repeat(4_000),
    "\\".repeat(4_000),
    " ".repeat(4_000),
    "+(+(a|aa))b",
    "{1..1000000}",
  ])("a rule such as %s in .gitignore ignores nothing", async (rule) => {
    await put(".gitignore", `${rule}\n`);
    expect(await found("**")).toEqual([LONG_NAME, "docs/c.txt"]);
  });

  it.each([
    ["more rules than anyone writes", "x\n".repeat(20_001), /more than 20000/],
    ["a rule longer than any path", `${"*a".repeat(3_000)}\n`, /more than 4096 characters/],
    ["more than is read", "#".repeat(1024 * 1024 + 1), /larger than 1 MiB/],
  ])("%s in .gitignore is refused", async (_what, rules, why) => {
    await put("docs/.gitignore", rules);
    await expect(found("**")).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(why),
      next: expect.stringContaining("name each file itself"),
    });
    expect(await found("docs/c.txt")).toEqual(["docs/c.txt"]);
  });

  it("rules are counted over all files", async () => {
    await put(".gitignore", "x\n".repeat(15_000));
    await put("docs/.gitignore", "x\n".repeat(15_000));
    await expect(findFiles(["**"], places)).rejects.toThrow("more than 20000");
  });

  it("many rules for many files are one sum", async () => {
    await put(".gitignore", "*a*a*a*[b]\n".repeat(10_000));
    for (let i = 0; i < 20; i++) await put(`${"a".repeat(200)}${i}`);
    await expect(found("**")).rejects.toMatchObject({
      message: expect.stringContaining("too much work"),
    });
  });

  it("folders that are nested without end are not gone down", async () => {
    await mkdir(join(root, "deep/".repeat(150)), { recursive: true });
    await expect(found("**")).rejects.toThrow("nested more than 100 deep");
    expect(await found("**", "!deep")).toEqual([LONG_NAME, "docs/c.txt"]);
  });
});

describe("others get a turn meanwhile", () => {
  it("after some milliseconds' work, and not before", async () => {
    const effort = new Effort(1_000_000_000);
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    for (let i = 0; i < 100; i++) {
      effort.spend(1_000_000);
      await effort.pause();
    }
    isOver = true;
    expect(turns).toBeGreaterThanOrEqual(15);
    expect(turns).toBeLessThan(100);
  });
});
