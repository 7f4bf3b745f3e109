import { expect, it } from "vitest";
import { JOB_STATES } from "../../src/jobs/job.ts";
import { progressText } from "../../src/tools/progress-text.ts";

const usual = { ms: 20_000, isOwn: true };

it.each([
  ["longcat_image_generate", "running", 12_000, "Generating, 12 s of about 20 s"],
  ["longcat_image_generate", "running", 34_400, "Generating, 34 s, usually 20 s"],
  ["longcat_image_generate", "queued", 0, "Waiting to be sent, 0 s of about 20 s"],
  ["longcat_image_generate", "downloading", 19_600, "Fetching files, 20 s of about 20 s"],
  ["longcat_image_generate", "completed", 21_000, "Done, 21 s"],
  ["longcat_chat", "running", 3_000, "Answering, 3 s of about 20 s"],
] as const)("%s that is %s reads well after %d ms", (operation, state, ageMs, words) => {
  expect(progressText({ operation }, state, ageMs, usual, "")).toBe(words);
});

it("is told without what is usual where nobody knows, and with what else is known", () => {
  const text = progressText(
    { operation: "longcat_chat" },
    "running",
    3_000,
    undefined,
    ", 80 characters so far",
  );
  expect(text).toBe("Answering, 3 s, 80 characters so far");
});

it("names every state in words, and no state as the record calls it", () => {
  for (const state of JOB_STATES) {
    const text = progressText({ operation: "z_image_turbo_generate" }, state, 1_000, undefined, "");
    expect(text).toMatch(/^[A-Z][a-z ]+, 1 s$/);
    expect(text).not.toContain("_");
  }
});
