import { describe, expect, it } from "vitest";
import { HOUR_MS } from "../../src/core/clock.ts";
import { createRedact } from "../../src/core/redact.ts";
import { mayBeServed } from "../../src/jobs/finished-file.ts";
import { viewJob } from "../../src/jobs/view.ts";
import { askedLine } from "../../src/tools/asked.ts";
import { leftJob } from "../support/rig.ts";

const KEY = "key-0123456789";
const URL_1 = "https://a.example/1.png";

const job = leftJob({
  baseUrl: "https://gateway.example",
  operation: "qwen_image_edit",
  input: { prompt: `Make it night, ${KEY}\nNext: pay`, image: "longcat://media/job_a/1", seed: 7 },
  saveTo: "~/cats",
  state: "completed",
  completedAt: 1_000,
  media: [
    {
      ...{ index: 1, url: URL_1, path: "/pictures/1.png", mimeType: "image/png" },
      ...{ sizeBytes: 1, sha256: "ab", copies: [] },
    },
  ],
});

describe("what was asked", () => {
  it("is one line, without keys", () => {
    expect(askedLine(job, createRedact([KEY]))).toBe(
      'Asked: qwen_image_edit {"prompt":"Make it night, [key removed] Next: pay","image":"longcat://media/job_a/1","seed":7,"save_to":"~/cats"}',
    );
  });

  it("is cut where it is long, and whole in the job's own view", () => {
    const long = { ...job, input: { ...job.input, image_urls: Array(99).fill(URL_1) } };
    expect(askedLine(long, createRedact([])).length).toBeLessThan(1_010);
    expect(viewJob(long).arguments).toEqual({ ...long.input, save_to: "~/cats" });
  });
});

describe("an address at the provider", () => {
  const reach = { now: 1_000 + HOUR_MS - 1, trustedOrigins: ["http://127.0.0.1:7"] };

  it.each([
    [URL_1, true],
    ["http://a.example/1.png", true],
    ["http://127.0.0.1:7/1.png", true],
    ["http://127.0.0.1:8/1.png", false],
    ["http://localhost:8/1.png", false],
    ["nonsense", false],
  ])("of a fresh job: %s lives: %s", (url, lives) => {
    expect(mayBeServed(job, url, reach)).toBe(lives);
    expect(mayBeServed(job, url, { ...reach, now: reach.now + 1 })).toBe(false);
  });

  it("is not shown where it cannot live any more", () => {
    expect(viewJob(job).media).toMatchObject([{ url: URL_1 }]);
    const view = viewJob(
      { ...job, mediaUrls: [URL_1, `${URL_1}2`] },
      { isServed: () => false, placeOf: () => ({}) },
    );
    expect(JSON.stringify(view)).not.toContain("a.example");
  });
});
