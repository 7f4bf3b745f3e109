import * as z from "zod";
import type { JobState } from "../../jobs/job.ts";

const fencedRow = z.object({ job_id: z.string(), fence: z.number() });
const leasedRow = fencedRow.extend({ lease_holder: z.string().nullable() });

/** A change whose answer was lost: it may have been made, and may still be. */
export interface Doubt {
  to: JobState;
  /** Whose job it is, where it is not known whether it was recorded. */
  recordedFor?: string;
}

/** What a job is held by. */
export interface Lease {
  holder: string;
  /** The one that is known; those after it were asked for, and may stand in its place. */
  fences: readonly [number, ...number[]];
}

/**
 * The fences of the jobs that this process follows, or has followed: a number that grows whenever a
 * job changes hands, and stands in every write of who follows it. So whoever was frozen, and taken
 * for gone, changes nothing any more once they go on.
 */
export class FollowedJobs {
  readonly #leases = new Map<string, Lease>();
  readonly #doubts = new Map<string, Doubt>();

  /** Notes a job that is followed here from now on. @param holder this process, where the row has none. */
  follows(row: unknown, holder = ""): void {
    const { job_id, fence, lease_holder } = leasedRow.parse(row);
    this.#leases.set(job_id, { holder: lease_holder ?? holder, fences: [fence] });
  }

  /** `undefined` for a job that was never followed here. */
  leaseOf(jobId: string): Lease | undefined {
    return this.#leases.get(jobId);
  }

  /** `null` for a job that was never followed here. */
  fenceOf(jobId: string): number | null {
    return this.#leases.get(jobId)?.fences[0] ?? null;
  }

  /** Notes that a job's fence may be another from now on: one is asked for. */
  mayHave(jobId: string, fence: number): void {
    const lease = this.#leases.get(jobId);
    if (lease) this.#leases.set(jobId, { ...lease, fences: [...lease.fences, fence] });
  }

  isOurs(row: unknown): boolean {
    const { job_id, fence } = fencedRow.parse(row);
    return this.#leases.get(job_id)?.fences.includes(fence) ?? false;
  }

  forget(jobId: string): void {
    this.#leases.delete(jobId);
  }

  doubt(jobId: string, doubt: Doubt): void {
    this.#doubts.set(jobId, doubt);
  }

  /** Takes a doubt out, if there is one: whoever has it settles it, and nobody else acts on it. */
  takeDoubt(jobId: string): Doubt | undefined {
    const doubt = this.#doubts.get(jobId);
    this.#doubts.delete(jobId);
    return doubt;
  }

  /** The jobs that are in doubt. */
  inDoubt(): string[] {
    return [...this.#doubts.keys()];
  }
}
