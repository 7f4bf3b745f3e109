import type { Job } from "./job.ts";
import type { JobContext } from "./job-context.ts";
import type { JobStore } from "./job-store.ts";

export type UntoldContext = Pick<JobContext, "events" | "clock"> & {
  store: Pick<JobStore, "untoldOrphans" | "noteMentioned">;
};

/**
 * Jobs that completed while nobody was there and that no answer has mentioned yet. Every answer asks
 * for them and nearly none finds any, so the store is read only once something has happened since.
 */
export class UntoldOrphans {
  readonly #context: UntoldContext;
  /** Owners who have none, as far as has been heard, and since which look. */
  readonly #without = new Map<string, number>();
  #looks = 0;

  constructor(context: UntoldContext) {
    this.#context = context;
    context.events.subscribeToAll((job) => {
      if (mayBeUntold(job)) this.#without.delete(job.owner);
    });
  }

  /**
   * Since which look an owner surely has none: a number that stays the same until there may be some.
   * Costs nothing to find out.
   */
  noneSince(owner: string): number | undefined {
    return this.#without.get(owner);
  }

  /** An owner's, the oldest first and some at a time. @throws {storage} */
  async of(owner: string): Promise<Job[]> {
    if (this.#without.has(owner)) return [];
    // Noted before it is known: what happens while the store is read takes it back.
    this.#without.set(owner, ++this.#looks);
    let jobs: Job[] | undefined;
    try {
      jobs = await this.#context.store.untoldOrphans(owner);
      return jobs;
    } finally {
      if (jobs === undefined || jobs.length > 0) this.#without.delete(owner);
    }
  }

  /** Notes that an answer that mentions these has left. @throws {storage} */
  async noteMentioned(owner: string, jobs: readonly Job[]): Promise<void> {
    const { store, clock } = this.#context;
    const jobIds = jobs.map((job) => job.jobId);
    await store.noteMentioned(owner, jobIds, clock.now());
  }
}

function mayBeUntold({ orphaned, state, deliveredAt }: Job): boolean {
  return orphaned && state === "completed" && deliveredAt === null;
}
