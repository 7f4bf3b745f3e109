import { randomBytes } from "node:crypto";
import type { WholeJob } from "../src/jobs/job.ts";
import type { Stores } from "../src/storage/rows/whole-record.ts";
import { aJob, aMedium } from "../test/support/made-jobs.ts";

const OWNER = "local";

/** A job as most are: a prompt of some length, one picture. */
export function usualJob(): WholeJob {
  const prompt = Array.from({ length: 12 }, () => randomBytes(3).toString("hex")).join(" ");
  const input = { prompt: `${prompt}, in the morning, oil on canvas`, image_size: "square_1_1" };
  return {
    ...aJob({ owner: OWNER, createdAt: Date.now() }),
    ...{ state: "queued", charge: "reserved", upstreamStatus: null, completedAt: null },
    ...{ deliveredAt: null, costUsd: null, acceptedAt: null, input, wire: input },
    fingerprint: randomBytes(32).toString("hex"),
    idempotencyKey: null,
  };
}

const limits = { perDayUsd: 1e6, perMonthUsd: 1e6, confirmAboveUsd: undefined };

/** A job's life as the runner has it recorded. */
export const STEPS = {
  admission: async ({ jobs }: Stores, job: WholeJob) => {
    await jobs.admit(job, "me", { forceNew: false, limits, now: Date.now() });
  },
  "about to be sent": async ({ jobs }: Stores, { jobId }: WholeJob) => {
    const step = { from: "queued", to: "submitting", patch: {}, now: Date.now() } as const;
    await jobs.transition(OWNER, jobId, { ...step, holder: "me" });
  },
  "its 202": async ({ jobs }: Stores, { jobId }: WholeJob) => {
    const patch = { requestId: `request-${jobId}`, acceptedAt: Date.now(), wire: null };
    await jobs.transition(OWNER, jobId, {
      ...{ from: "submitting", to: "running", now: Date.now() },
      patch,
    });
  },
  "its status, completed": async ({ jobs }: Stores, { jobId }: WholeJob) => {
    const mediaUrls = [`https://media.example/${jobId}/1.png`];
    await jobs.transition(OWNER, jobId, {
      ...{ from: "running", to: "downloading", now: Date.now() },
      patch: { mediaUrls, charge: "spent" },
    });
  },
  "its file": async ({ jobs }: Stores, { jobId }: WholeJob) => {
    const media = [aMedium({ path: `/pictures/2026-11-20/z-image-turbo-${jobId}-1.png` })];
    const patch = { media, costUsd: 0.01, completedAt: Date.now() };
    await jobs.transition(OWNER, jobId, {
      ...{ from: "downloading", to: "completed", now: Date.now() },
      patch,
    });
  },
  "its delivery": async ({ jobs }: Stores, { jobId }: WholeJob) => {
    await jobs.patch(OWNER, jobId, { deliveredAt: Date.now() }, Date.now());
  },
} as const;
