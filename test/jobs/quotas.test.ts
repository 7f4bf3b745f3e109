import { expect, it } from "vitest";
import { quotaRefusal } from "../../src/jobs/quotas.ts";

const held = { runningJobs: 3, keptBytes: 1_000 };
const quotas = (runningJobs?: number, keptBytes?: number) => ({ runningJobs, keptBytes });

it("what an owner may have is not reached, or does not limit", () => {
  expect(quotaRefusal(held, quotas())).toBeUndefined();
  expect(quotaRefusal(held, quotas(4, 1_001))).toBeUndefined();
});

it("too many jobs that run are a matter of seconds", () => {
  expect(quotaRefusal(held, quotas(3))).toMatchObject({
    code: "rate_limited",
    message: expect.stringContaining("LONGCAT_MCP_MAX_RUNNING_JOBS_PER_USER"),
    next: expect.stringContaining("Call again in 10 s"),
    retryAfterMs: 10_000,
  });
});

it("too many bytes are a matter of deleting", () => {
  expect(quotaRefusal(held, quotas(undefined, 1_000))).toMatchObject({
    code: "storage",
    message: expect.stringMatching(/1,000 bytes, .*LONGCAT_MCP_KEPT_BYTES_PER_USER/),
    next: expect.stringContaining("`job_delete` with `files: true`"),
  });
});
