import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";

const BIOME = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "linter-"));
  const config = z.looseObject({}).parse(JSON.parse(await readFile("biome.json", "utf8")));
  // The fixture is no repository.
  const own = { ...config, $schema: undefined, vcs: { enabled: false } };
  await writeFile(join(folder, "biome.json"), JSON.stringify(own));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The rules that a file departs from, by the project's own configuration. */
function lint(): string {
  const { stdout, stderr } = spawnSync(process.execPath, [BIOME, "lint", "--colors=off"], {
    cwd: folder,
    encoding: "utf8",
  });
  return stdout + stderr;
}

describe("the linter", () => {
  it("refuses a circle, even one of types only", async () => {
    await writeFile(join(folder, "b.ts"), "export interface B {\n  a: string;\n}\n");
    await writeFile(
      join(folder, "a.ts"),
      'import type { B } from "./b.ts";\n\nexport interface A {\n  b: B;\n}\n',
    );
    expect(lint()).not.toContain("noImportCycles");
    await writeFile(
      join(folder, "b.ts"),
      'import type { A } from "./a.ts";\n\nexport interface B {\n  a: A;\n}\n',
    );
    expect(lint()).toContain("lint/suspicious/noImportCycles");
  });
});
