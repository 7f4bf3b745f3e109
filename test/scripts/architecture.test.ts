import { describe, expect, it } from "vitest";
import { complaints } from "../../scripts/architecture/check.ts";
import { HOUSE } from "../../scripts/architecture/house.ts";
import { readModule, readModules } from "../../scripts/architecture/modules.ts";
import type { Rules } from "../../scripts/architecture/rules.ts";
import { sizeComplaints } from "../../scripts/architecture/sizes.ts";

const RULES: Rules = {
  maxLines: 5,
  sizes: { median: 3, ninth: 4 },
  rooms: [
    { path: "src/low/", about: "the ground", uses: [] },
    { path: "src/high/", about: "above it", uses: ["src/low/"] },
    { path: "src/high/attic.ts", about: "a file of its own", uses: ["src/high/"] },
  ],
  reserved: [
    {
      what: "SQL",
      packages: ["some-database"],
      text: /\bSELECT\b[\s\S]+\bFROM\b/,
      only: ["src/low/"],
    },
  ],
};

function complaintsOn(path: string, text: string): string[] {
  return complaints([readModule(path, text)], RULES);
}

describe("the structure of the program", () => {
  it("keeps its own rules", async () => {
    const modules = await readModules(".", "src");
    expect(modules.length).toBeGreaterThan(100);
    expect(complaints(modules, HOUSE)).toEqual([]);
    expect(sizeComplaints(modules, await readModules(".", "test"), HOUSE)).toEqual([]);
  });

  it.each([
    ["an import", 'import { a } from "../high/a.ts";'],
    ["a type's import", 'import type { A } from "../high/a.ts";'],
    ["an import for its effects", 'import "../high/a.ts";'],
    ["an import that comes later", 'const load = () => import("../high/a.ts");'],
    ["something handed on", 'export { a } from "../high/a.ts";'],
    ["all of it handed on", 'export * from "../high/a.ts";'],
  ])("refuses a lower room that leans on a higher one by %s", (_, text) => {
    expect(complaintsOn("src/low/b.ts", text)).toEqual([
      "src/low/b.ts imports src/high/a.ts: src/low/ may import nothing of ours.",
    ]);
  });

  it("lets a room lean on itself and on those that it names, however deep its folders", () => {
    const text = 'import "../../low/deep/a.ts";\nimport "../b.ts";\nimport "node:path";';
    expect(complaintsOn("src/high/inner/c.ts", text)).toEqual([]);
  });

  it("tells a file that is a room of its own from its folder", () => {
    expect(complaintsOn("src/high/attic.ts", 'import "./b.ts";')).toEqual([]);
    expect(complaintsOn("src/high/b.ts", 'import "./attic.ts";')).toHaveLength(1);
  });

  it("refuses rules under which rooms lean on each other", () => {
    const rooms = [
      { path: "src/one/", about: "", uses: ["src/two/"] },
      { path: "src/two/", about: "", uses: ["src/three/"] },
      { path: "src/three/", about: "", uses: ["src/one/", "src/ground/"] },
      { path: "src/ground/", about: "", uses: [] },
    ];
    expect(complaints([], { ...RULES, rooms, reserved: [] })).toEqual(
      ["one", "two", "three"].map(
        (name) => `src/${name}/ may import itself by way of other rooms.`,
      ),
    );
  });

  it("refuses a file that lies in no room", () => {
    expect(complaintsOn("src/cellar.ts", "")).toEqual([
      "src/cellar.ts lies in no room of the rules.",
    ]);
  });

  it.each([
    ["a text", 'const sql = "SELECT a FROM b";'],
    ["pieces of a template", "const sql = `SELECT a\n FROM b`;"],
    ["a package", 'import { open } from "some-database";'],
  ])("refuses what is reserved, by %s", (_, text) => {
    expect(complaintsOn("src/high/b.ts", text)).toEqual([
      expect.stringMatching(/^src\/high\/b\.ts has SQL \(.+\); only src\/low\/ may\.$/),
    ]);
    expect(complaintsOn("src/low/b.ts", text)).toEqual([]);
  });

  it("takes words that only sound like it for what they are", () => {
    expect(complaintsOn("src/high/b.ts", '// SELECT a FROM b\nconst note = "select one";')).toEqual(
      [],
    );
  });

  it("refuses a file name that says too little to be the only one", () => {
    const modules = ["src/low/a.ts", "src/high/a.ts", "src/high/b.ts"].map((path) =>
      readModule(path, ""),
    );
    expect(complaints(modules, RULES)).toEqual([
      "src/low/a.ts, src/high/a.ts have one name: each is to say what it is.",
    ]);
  });

  it("refuses a file that is too long", () => {
    const lines = (count: number) => "export const a = 1;\n".repeat(count);
    expect(complaintsOn("src/low/b.ts", lines(5))).toEqual([]);
    expect(complaintsOn("src/low/b.ts", lines(6))).toEqual([
      "src/low/b.ts has 6 lines, more than 5: a file has one reason to exist.",
    ]);
  });

  it.each([
    [[1, 1, 1, 1, 3, 3, 3, 3, 4, 5], 25, []],
    [[1, 3, 4, 4, 4], 16, ["Half of all files have 4 lines or more, which is to be 3 at most."]],
    [
      [1, 1, 1, 1, 1, 1, 1, 1, 5, 5],
      18,
      ["One file of ten has 5 lines or more, which is to be 4 at most."],
    ],
    [[1, 2], 2, ["The tests have 2 lines and the program 3: they are to be no fewer."]],
  ])("looks at all files together: %j, and %i lines of tests", (sizes, tested, found) => {
    const files = sizes.map((lines) => ({ lines }));
    expect(sizeComplaints(files, [{ lines: tested }], RULES)).toEqual(found);
  });

  it.each([
    ["a cast", "const a = b as string;"],
    ["a cast", "const a = <string>b;"],
    ["a cast", "const a = b as unknown as string;"],
    ["a `!` that", "const a = b!.c;"],
    ["`any`", "const a: any = 1;"],
    ["`any`", "type A = Record<string, any>;"],
    ["an error without a code", 'throw new Error("a");'],
    ["an error without a code", 'const a = () => Promise.reject(new TypeError("a"));'],
    ["an error without a code", 'throw RangeError("a");'],
  ])("refuses %s: %s", (what, text) => {
    const found = complaintsOn("src/low/b.ts", `\n${text}`);
    expect(found.length).toBeGreaterThan(0);
    for (const one of found) expect(one).toContain(`src/low/b.ts:2 has ${what}`);
  });

  it("takes what cannot be wrong", () => {
    const text = [
      'const a = ["as any"] as const;',
      "const b = { c: 1 } satisfies object; // as any",
      "class D extends Error {}",
      "const e = !b;",
    ].join("\n");
    expect(complaintsOn("src/low/b.ts", text)).toEqual([]);
  });

  it.each([
    [
      "a tool that reads a finished file",
      "src/tools/a.ts",
      'import { readFile } from "node:fs/promises";',
    ],
    ["a resource", "src/resources/a.ts", 'import { createReadStream } from "node:fs";'],
    ["a purchase that writes one", "src/purchases/a.ts", 'import * as fs from "fs";'],
    ["a chat turn", "src/chat/answer-file.ts", 'const load = () => import("node:fs");'],
    ["an input", "src/inputs/resolver.ts", 'import type { FileHandle } from "fs/promises";'],
  ])("refuses files beside the media store: %s", (_, path, text) => {
    expect(complaints([readModule(path, text)], HOUSE)).toEqual([
      expect.stringContaining(`${path} has file access (`),
    ]);
    expect(complaints([readModule("src/media/a.ts", text)], HOUSE)).toEqual([]);
  });

  it.each([
    ["a statement", "src/jobs/a.ts", 'const sql = "SELECT job_id FROM jobs WHERE owner = ?";'],
    ["a pragma", "src/users/a.ts", 'db.run("PRAGMA user_version = 3");'],
    ["a database", "src/tools/a.ts", 'import { DatabaseSync } from "@photostructure/sqlite";'],
    ["another database", "src/jobs/a.ts", 'import pg from "pg";'],
    ["one of Node's own", "src/cli/a.ts", 'const load = () => import("node:sqlite");'],
  ])("refuses SQL outside of the stores: %s", (_, path, text) => {
    expect(complaints([readModule(path, text)], HOUSE)).toEqual([
      expect.stringContaining(`${path} has SQL (`),
    ]);
    expect(complaints([readModule("src/storage/sqlite/a.ts", text)], HOUSE)).toEqual([]);
  });

  it.each(["src/server.ts", "src/tools/a.ts", "src/jobs/a.ts"])(
    "keeps %s from saying who calls",
    (path) => {
      const text = 'import { LOCAL_OWNER } from "SRC/core/owner.ts";'.replace(
        "SRC",
        path.split("/").length > 2 ? ".." : ".",
      );
      expect(complaints([readModule(path, text)], HOUSE)).toHaveLength(1);
    },
  );
});
