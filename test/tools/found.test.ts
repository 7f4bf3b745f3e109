import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createTools } from "../../src/tools/tool-list.ts";
import { idleToolDeps } from "../support/tool-deps.ts";
import { MORE_PHRASES, PHRASES } from "./phrases.ts";
import { byPoints, byStems, byWords, type Found, type Search } from "./searches.ts";

const LEGACY = "longcat_image_legacy_status";

const tools: Found[] = createTools(idleToolDeps())
  .filter(({ isForElsewhere }) => !isForElsewhere)
  .map(({ name, title, description, meta, inputSchema }) => ({
    name,
    title,
    description,
    hint: meta["anthropic/searchHint"] ?? "",
    fields: Object.keys(z.record(z.string(), z.unknown()).parse(inputSchema["properties"] ?? {})),
  }));

function missed(phrases: typeof PHRASES, search: Search): string[] {
  return phrases.flatMap(([phrase, ...right]) => {
    const [first] = search(phrase, tools);
    return first && right.includes(first.name) ? [] : [`${phrase} → ${first?.name}`];
  });
}

describe("a model that searches for tools", () => {
  it.each<[string, Search, number]>([
    ["by the words of all texts", byWords, 0.9],
    ["by stems, as one host does", byStems, 0.9],
    ["by points, as another host does", byPoints, 0.8],
  ])("finds the right one first %s", (_, search, share) => {
    const wrong = missed(PHRASES, search);
    expect(1 - wrong.length / PHRASES.length, wrong.join("\n")).toBeGreaterThanOrEqual(share);
  });

  it.each<[string, Search, number]>([
    ["by the words of all texts", byWords, 0.9],
    ["by stems, as one host does", byStems, 0.8],
    ["by points, as another host does", byPoints, 0.8],
  ])("finds it as well %s in other words", (_, search, share) => {
    const wrong = missed(MORE_PHRASES, search);
    expect(1 - wrong.length / MORE_PHRASES.length, wrong.join("\n")).toBeGreaterThanOrEqual(share);
  });

  it("is tried with words that people use", () => {
    expect(PHRASES.length).toBeGreaterThanOrEqual(40);
    const named = new Set(PHRASES.flatMap(([, ...right]) => right));
    expect(tools.filter(({ name }) => !named.has(name))).toEqual([]);
  });

  it.each([
    ["by words", byWords],
    ["by stems", byStems],
    ["by points", byPoints],
  ])("does not find the legacy status first %s, unless it asks for that", (_, search) => {
    const others = [...PHRASES, ...MORE_PHRASES].filter(([, right]) => right !== LEGACY);
    expect(others.filter(([phrase]) => search(phrase, tools)[0]?.name === LEGACY)).toEqual([]);
  });
});
