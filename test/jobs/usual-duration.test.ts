import { expect, it } from "vitest";
import { usualMs } from "../../src/jobs/usual-duration.ts";

it.each([
  ["nothing", [], undefined],
  ["one job", [14], 14],
  ["the one in the middle", [9_000_000, 10, 12, 11, 13], 12],
  ["the two in the middle", [30, 10, 20, 40], 25],
  ["none that ended before it began", [-5, 0, 12], 12],
  ["nothing but such", [-5, 0], undefined],
])("the usual time is that of %s", (_, durations, expected) => {
  expect(usualMs(durations)).toBe(expected);
});
