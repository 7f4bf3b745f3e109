import { describe, expect, it } from "vitest";
import { isoDay, readPeriod } from "../../src/tools/period.ts";

const NOW = Date.UTC(2026, 10, 20, 15, 30);

function days(since?: string, until?: string): [string, string] {
  const period = readPeriod(since, until, NOW);
  return [isoDay(period.since), isoDay(period.before - 1)];
}

describe("a period of whole days", () => {
  it.each<[string | undefined, string | undefined, string, string]>([
    [undefined, undefined, "2026-11-01", "2026-11-20"],
    ["today", undefined, "2026-11-20", "2026-11-20"],
    [" Yesterday", "yesterday", "2026-11-19", "2026-11-19"],
    ["7d", undefined, "2026-11-13", "2026-11-20"],
    ["4w", "1d", "2026-10-23", "2026-11-19"],
    ["2026-02-28", "2026-03-01", "2026-02-28", "2026-03-01"],
    [undefined, "2026-10-15", "2026-10-15", "2026-10-15"],
  ])("from %s until %s", (since, until, first, last) => {
    expect(days(since, until)).toEqual([first, last]);
  });

  it.each(["2026-02-30", "2026-13-01", "last week", "-7d", "", "7", "20.11.2026"])(
    "is not %j",
    (text) => {
      expect(() => days(text)).toThrow(/is no day\. Give a date such as 2026-11-20/);
    },
  );

  it("does not end before it begins", () => {
    expect(() => days("today", "yesterday")).toThrow(/2026-11-20.*is after.*2026-11-19/);
  });
});
