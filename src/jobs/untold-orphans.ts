import type { JobEvents } from "./events.ts";
import type { Job } from "./job.ts";
import type { JobStore } from "./job-store.ts";

/**
 * Jobs that completed while nobody was there and that no answer has mentioned yet. Every answer asks
 * for them and nearly none finds any, so the store is read only once something has happened since.
 */
export class UntoldOrphans {
  readonly #store: Pick<JobStore, "untoldOrphans">;
  /** Owners who have none, as far as has been heard, and since which look. */
  readonly #without = new Map<string, number>();
  #looks = 0;

  constructor(store: Pick<JobStore, "untoldOrphans">, events: JobEvents) {
    this.#store = store;
    events.subscribeToAll((job) => {
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
      jobs = await this.#store.untoldOrphans(owner);
      return jobs;
    } finally {
      if (jobs === undefined || jobs.length > 0) this.#without.delete(owner);
    }
  }
}

function mayBeUntold({ orphaned, state, deliveredAt }: Job): boolean {
  return orphaned && state === "completed" && deliveredAt === null;
}
