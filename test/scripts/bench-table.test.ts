import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { middle, pageWith, tableOf } from "../../bench/table.ts";

const row = (what: string, value: number, more: object = {}) => ({ what, value, ...more });

it("shows of several runs the one in the middle of each row, and how far the others lie", () => {
  const runs = [5, 1, 3, 2, 400].map((value, n) => [
    row("pings", value, { most: 4, unit: " ms", figures: `run ${n}` }),
    row("the same", 7, { least: 8 }),
    row("the same", 9),
  ]);
  expect(middle(runs)).toEqual([
    {
      row: { ...row("pings", 3), most: 4, unit: " ms", figures: "run 2" },
      lowest: 1,
      highest: 400,
    },
    { row: { ...row("the same", 7), least: 8 }, lowest: 7, highest: 7 },
    { row: row("the same", 9), lowest: 9, highest: 9 },
  ]);
  expect(tableOf(middle(runs), true).split("\n").slice(2)).toEqual([
    "| pings | 3.00 ms | 1.00–400 ms | ≤ 4 ms | run 2 |",
    "| the same | 7.00 (missed) |  | ≥ 8 |  |",
    "| the same | 9.00 |  |  |  |",
  ]);
  expect(tableOf(middle(runs), false)).not.toContain("missed");
});

it("calls a figure that could not be taken a missed target", () => {
  expect(tableOf(middle([[row("none", Number.NaN, { most: 1 })]]), true)).toContain("NaN (missed)");
});

it("takes the place of the table in the documentation, and of nothing else there", async () => {
  const page = await readFile(resolve("docs/performance.md"), "utf8");
  const table = tableOf(middle([[row("one", 1)]]), true);
  const written = pageWith(page, "One run:", table);
  const [before, after] = [page.split("<!-- bench -->")[0], page.split("<!-- /bench -->")[1]];
  expect(written).toBe(
    `${before}<!-- bench -->\n\nOne run:\n\n${table}\n\n<!-- /bench -->${after}`,
  );
  expect(pageWith(written, "One run:", table)).toBe(written);
});
