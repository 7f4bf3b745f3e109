import { newJobId } from "../../src/core/ids.ts";
import type { Medium, WholeJob } from "../../src/jobs/job.ts";
import type { JobStore } from "../../src/jobs/job-store.ts";

const NOON = Date.parse("2026-11-20T12:00:00Z");
let made = 0;

/** A completed job of a picture, as a store keeps it. */
export function aJob(change: Partial<WholeJob> = {}): WholeJob {
  const createdAt = change.createdAt ?? NOON;
  return {
    jobId: newJobId(),
    owner: "local",
    operation: "z_image_turbo_generate",
    threadId: null,
    baseUrl: "https://gateway.example",
    saveTo: null,
    state: "completed",
    charge: "spent",
    requestId: null,
    upstreamStatus: "COMPLETED",
    createdAt,
    updatedAt: createdAt,
    acceptedAt: createdAt,
    completedAt: createdAt + 2_000,
    deliveredAt: createdAt + 2_000,
    fingerprint: null,
    idempotencyKey: null,
    reservedUsd: 0.01,
    costUsd: 0.01,
    error: null,
    mediaUrls: [],
    media: [],
    warnings: [],
    warningsTold: 0,
    orphaned: false,
    input: { prompt: "A cat" },
    wire: null,
    ...change,
  };
}

/** A finished picture that nobody has looked for on a disk. */
export function aMedium(change: Partial<Medium> = {}): Medium {
  return {
    index: 1,
    url: "",
    path: `/pictures/2026-11-20/cat-${++made}-1.png`,
    mimeType: "image/png",
    width: 64,
    height: 48,
    sizeBytes: 1_000,
    sha256: "0".repeat(64),
    copies: [],
    ...change,
  };
}

/** Records jobs as they are, in order. */
export async function record(store: JobStore, ...jobs: readonly WholeJob[]): Promise<void> {
  const limits = { perDayUsd: undefined, perMonthUsd: undefined, confirmAboveUsd: undefined };
  for (const job of jobs) {
    await store.admit(job, "nobody", { forceNew: true, limits, now: job.createdAt });
  }
}
