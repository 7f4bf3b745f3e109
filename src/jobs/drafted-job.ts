import { fingerprintOf } from "./deduplication.ts";
import type { WholeJob } from "./job.ts";
import type { JobContext } from "./job-context.ts";
import type { Draft, StartWishes } from "./job-kind.ts";
import type { JobStore } from "./job-store.ts";
import { BLANK } from "./record.ts";

/** A draft as the job that would be recorded of it now. @param baseUrl where it would be sent. */
export async function draftedJob(
  { store, clock }: Pick<JobContext, "clock"> & { store: Pick<JobStore, "digest"> },
  { baseUrl }: { baseUrl: string },
  owner: string,
  { idempotencyKey: key }: StartWishes,
  draft: Draft,
): Promise<WholeJob> {
  const now = clock.now();
  const { identity, ...plan } = draft.plan;
  return Object.assign({}, BLANK, plan, {
    owner,
    baseUrl,
    state: "queued" as const,
    createdAt: now,
    updatedAt: now,
    fingerprint: await store.digest(fingerprintOf(plan.operation, identity)),
    idempotencyKey: key === undefined ? null : await store.digest(key),
  });
}
