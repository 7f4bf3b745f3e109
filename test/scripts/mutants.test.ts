import { describe, expect, it } from "vitest";
import { mutantsOf, mutated } from "../../scripts/mutation/mutants.ts";

function changesOf(text: string): string[] {
  return mutantsOf("a.ts", text).map((mutant) => mutated(text, mutant));
}

describe("mutants", () => {
  it.each([
    ["const a = b < c;", ["const a = b <= c;"]],
    ["const a = b && c;", ["const a = b || c;"]],
    ["const a = b ?? c;", ["const a = b && c;"]],
    ["const a = !b;", ["const a = b;"]],
    ["const a = true;", ["const a = false;"]],
    ["const a = 7;", ["const a = 8;"]],
    ["if (a) b;", ["if (true) b;", "if (false) b;"]],
    ["const a = b ? c : d;", ["const a = true ? c : d;", "const a = false ? c : d;"]],
    ["await store.close();", [";"]],
    ["void run();", [";"]],
    ["for (const one of all) keep(one);", ["for (const one of all) ;"]],
  ])("of %s", (text, expected) => {
    expect(changesOf(text)).toEqual(expected);
  });

  it.each([
    'import { a } from "./a.ts";',
    "type A = 1 | 2;",
    'const a: Record<"b", 1> = c;',
    "const a = `x` + b;",
    'log.warn({ n: 1 }, "words");',
    'this.#context.log.error({ n: 1 }, "words");',
  ])("leave %s alone", (text) => {
    expect(changesOf(text)).toEqual([]);
  });

  it("say where they are", () => {
    const text = "const a = 1;\nconst b = a === c;\n";
    expect(mutantsOf("a.ts", text).map(({ line, about }) => [line, about])).toEqual([
      [1, "1 → 2"],
      [2, "a === c → a !== c"],
    ]);
  });
});
