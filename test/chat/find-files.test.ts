import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findFiles } from "../../src/chat/find-files.ts";
import { projectFolder } from "../support/project-folder.ts";

const project = projectFolder();

describe("files named by", () => {
  it("a path are that file, whatever characters are in it", async () => {
    await project.put("app/[id]/page {1}.tsx");
    await project.put("app/i/page 1.tsx");
    expect(await project.namesOf("app/[id]/page {1}.tsx")).toEqual(["app/[id]/page {1}.tsx"]);
    expect(await project.namesOf(join(project.root, "app/i/page 1.tsx"))).toEqual([
      "app/i/page 1.tsx",
    ]);
  });

  it("a folder are all below it, in order", async () => {
    for (const name of ["src/b.ts", "src/a/z.ts", "src/a/b.ts", "other.ts"])
      await project.put(name);
    expect(await project.namesOf("src")).toEqual(["src/a/b.ts", "src/a/z.ts", "src/b.ts"]);
    expect(await project.namesOf("src/")).toEqual(await project.namesOf("src"));
  });

  it("a pattern are those that match, each once and in the order of the patterns", async () => {
    for (const name of ["a.md", "src/a.ts", "src/b.js", "src/deep/c.ts"]) await project.put(name);
    expect(await project.namesOf("src/**/*.{ts,js}")).toEqual([
      "src/a.ts",
      "src/b.js",
      "src/deep/c.ts",
    ]);
    expect(await project.namesOf("src/*.js", "**/*.ts", "src/b.js", "*.md")).toEqual([
      "src/b.js",
      "src/a.ts",
      "src/deep/c.ts",
      "a.md",
    ]);
    expect(await project.namesOf("./src/*.ts")).toEqual(["src/a.ts"]);
    expect(await project.namesOf(`${project.root}/**/c.ts`)).toEqual(["src/deep/c.ts"]);
  });

  it("a pattern that matches nothing are an error", async () => {
    await expect(findFiles(["src/*.rs"], project.places)).rejects.toMatchObject({
      code: "invalid_input",
    });
  });
});
