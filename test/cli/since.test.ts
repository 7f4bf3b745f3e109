import { expect, it } from "vitest";
import { readSince } from "../../src/cli/since.ts";

const NOW = Date.parse("2026-11-20T12:34:56Z");

it.each([
  ["2026-11-20", "2026-11-20T00:00:00.000Z"],
  ["2024-02-29", "2024-02-29T00:00:00.000Z"],
  ["today", "2026-11-20T00:00:00.000Z"],
  ["yesterday", "2026-11-19T00:00:00.000Z"],
  ["7d", "2026-11-13T00:00:00.000Z"],
  ["2w", "2026-11-06T00:00:00.000Z"],
  ["0d", "2026-11-20T00:00:00.000Z"],
  ["12h", "2026-11-20T00:34:56.000Z"],
  ["30m", "2026-11-20T12:04:56.000Z"],
  ["2026-11-20T08:30Z", "2026-11-20T08:30:00.000Z"],
  ["2026-11-20T08:30:01.5Z", "2026-11-20T08:30:01.500Z"],
  ["2026-11-20T08:30+02:00", "2026-11-20T06:30:00.000Z"],
  [" today ", "2026-11-20T00:00:00.000Z"],
])("%s begins at %s", (text, time) => {
  expect(new Date(readSince(text, NOW)).toISOString()).toBe(time);
});

it.each(
  [
    [
      "",
      "7",
      "d",
      "7y",
      "-7d",
      "1.5d",
      "2026-02-30",
      "2026-13-01",
      "2026-11-20T08:30",
      "20.11.2026",
    ],
    ["2026-11-20T25:00Z", "tomorrow", "999999d"],
  ].flat(),
)("%j is no time, and the message says what is", (text) => {
  const refusal = { code: "invalid_input", message: expect.stringContaining("2026-11-20T08:30Z") };
  expect(() => readSince(text, NOW)).toThrow(expect.objectContaining(refusal));
});
