import { expect, it } from "vitest";
import { SeenResults } from "../../src/tools/seen-results.ts";

it("a connection's memory holds the last thousand results", () => {
  const seen = new SeenResults();
  for (let n = 0; n < 1_000; n++) seen.add(`job_${n}`);
  seen.add("job_0");
  seen.add("job_1000");
  expect(seen.has("job_0")).toBe(true);
  expect(seen.has("job_1")).toBe(false);
  expect(seen.has("job_2")).toBe(true);
  expect(seen.has("job_1000")).toBe(true);
});
