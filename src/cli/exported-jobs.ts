import { countedUsd } from "../jobs/budget.ts";
import type { WholeJob } from "../jobs/job.ts";
import type { JobStore } from "../jobs/job-store.ts";
import { viewJob } from "../jobs/view.ts";

const PAGE = 100;

/** All jobs of an owner, the newest first, as they are and as they are exported. */
export async function* exportedJobs(
  store: JobStore,
  owner: string,
): AsyncGenerator<{ job: WholeJob; exported: Record<string, unknown> }> {
  let cursor: string | undefined;
  do {
    const page = await store.list({ owner, limit: PAGE, cursor });
    for (const { jobId } of page.jobs) {
      const job = await store.get(owner, jobId);
      if (job) yield { job, exported: exported(job) };
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** A job with the money that it stands for, so that an export adds up to what `spending` says. */
function exported(job: WholeJob): Record<string, unknown> {
  const { reservedUsd, input } = job;
  return { ...viewJob(job), reserved_usd: reservedUsd, counted_usd: countedUsd(job), input };
}
