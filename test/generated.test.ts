import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { generatedFiles, listedTools, SNAPSHOTS } from "../scripts/generated-files.ts";

const MAX_META_CHARACTERS = 8_000;

const files = await generatedFiles();

describe("npm run gen", () => {
  it.each([...files.keys()])("has written %s", (path) => {
    expect(readFileSync(path, "utf8")).toBe(files.get(path));
  });

  it("has removed the snapshots of tools that are gone", () => {
    const kept = readdirSync(SNAPSHOTS).map((name) => `${SNAPSHOTS}/${name}`);
    expect(kept.filter((path) => !files.has(path))).toEqual([]);
  });
});

describe("the tool list", () => {
  it("brings hosts little of what models are not shown", async () => {
    const metas = (await listedTools()).map(({ _meta }) => _meta);
    expect(JSON.stringify(metas).length).toBeLessThanOrEqual(MAX_META_CHARACTERS);
    const hints = metas.map((meta) => String(meta?.["anthropic/searchHint"] ?? ""));
    expect(Math.max(...hints.map(({ length }) => length))).toBeLessThanOrEqual(400);
  });

  it("is described briefly", async () => {
    const lengths = (await listedTools())
      .map(({ description = "" }) => description.length)
      .sort((a, b) => a - b);
    expect(lengths.at(-1)).toBeLessThanOrEqual(300);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(110);
  });
});
