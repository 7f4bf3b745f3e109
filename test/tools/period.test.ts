import { describe, expect, it } from "vitest";
import { isoDay, readPeriod, readSpan } from "../../src/tools/period.ts";

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
    ["this week", undefined, "2026-11-16", "2026-11-20"],
    ["Last Week", "last_week", "2026-11-09", "2026-11-15"],
    ["this month", undefined, "2026-11-01", "2026-11-20"],
    ["last month", "last month", "2026-10-01", "2026-10-31"],
    ["2026-02-28", "2026-03-01", "2026-02-28", "2026-03-01"],
    [undefined, "2026-10-15", "2026-10-15", "2026-10-15"],
  ])("from %s until %s", (since, until, first, last) => {
    expect(days(since, until)).toEqual([first, last]);
  });

  it.each(["2026-02-30", "2026-13-01", "next week", "week", "-7d", "", "7", "20.11.2026"])(
    "is not %j",
    (text) => {
      expect(() => days(text)).toThrow(/is no day\. Give a date such as 2026-11-20/);
    },
  );

  it.each(["2026-11-20T10:00:00Z", "2026-11-20T23:30:00-05:00", "20 Nov 2026"])(
    "is not named by a moment: %j",
    (text) => expect(() => days(text)).toThrow(/days are UTC/),
  );

  it("is of UTC days, whatever the hour", () => {
    for (const hour of [0, 12, 23]) {
      const now = Date.UTC(2026, 10, 16, hour, 59, 59, 999);
      expect(isoDay(readPeriod("7d", undefined, now).since)).toBe("2026-11-09");
      expect(isoDay(readPeriod("this week", undefined, now).since)).toBe("2026-11-16");
      expect(isoDay(readPeriod("last month", "last month", Date.UTC(2026, 0, 31)).since)).toBe(
        "2025-12-01",
      );
    }
  });

  it("is open at a side that is not named, where it is to be", () => {
    expect(readSpan(undefined, undefined, NOW)).toEqual({});
    expect(readSpan("today", undefined, NOW)).toEqual({ since: Date.UTC(2026, 10, 20) });
    expect(readSpan(undefined, "today", NOW)).toEqual({ before: Date.UTC(2026, 10, 21) });
    expect(() => readPeriod("2027-01-01", undefined, NOW)).toThrow(/is after/);
  });

  it("does not end before it begins", () => {
    expect(() => days("today", "yesterday")).toThrow(/2026-11-20.*is after.*2026-11-19/);
  });
});
