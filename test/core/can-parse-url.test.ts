import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { canParseUrl } from "../../src/core/can-parse-url.ts";

const SOURCES = join(import.meta.dirname, "../../src");

it("says of a text whether it is a URL, however often it is asked", () => {
  const said = Array.from({ length: 20_000 }, () => canParseUrl("https://bücher.example/ä.png"));
  expect(said.lastIndexOf(false)).toBe(-1);
  expect(canParseUrl("/a", "https://a.example")).toBe(true);
  expect(["/a", "https://", "", "a b"].filter((text) => canParseUrl(text))).toEqual([]);
});

it("is what all of the program asks", () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" });
  const asking = files
    .filter((file) => file.endsWith(".ts") && !file.endsWith("can-parse-url.ts"))
    .filter((file) => readFileSync(join(SOURCES, file), "utf8").includes("URL.canParse"));
  expect(asking).toEqual([]);
});
