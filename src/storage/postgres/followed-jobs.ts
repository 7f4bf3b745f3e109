import * as z from "zod";
import type { JobState } from "../../jobs/job.ts";

const fencedRow = z.object({ job_id: z.string(), fence: z.number() });

/** A change whose answer was lost: it may have been made. */
export interface Doubt {
  to: JobState;
}

/**
 * The fences of the jobs that this process follows, or has followed: a number that grows whenever a
 * job changes hands, and stands in every write of who follows it. So whoever was frozen, and taken
 * for gone, changes nothing any more once they go on.
 */
export class FollowedJobs {
  readonly #fences = new Map<string, number>();
  readonly #doubts = new Map<string, Doubt>();

  /** Notes a job that is followed here from now on. */
  follows(row: unknown): void {
    const { job_id, fence } = fencedRow.parse(row);
    this.#fences.set(job_id, fence);
  }

  /** `null` for a job that was never followed here. */
  fenceOf(jobId: string): number | null {
    return this.#fences.get(jobId) ?? null;
  }

  isOurs(row: unknown): boolean {
    const { job_id, fence } = fencedRow.parse(row);
    return this.#fences.get(job_id) === fence;
  }

  forget(jobId: string): void {
    this.#fences.delete(jobId);
  }

  doubt(jobId: string, to: JobState): void {
    this.#doubts.set(jobId, { to });
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
