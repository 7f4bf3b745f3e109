import type { JobEvents } from "./events.ts";
import type { Job } from "./job.ts";
import type { JobStore } from "./job-store.ts";

/**
 * Jobs that completed while nobody was there and that no answer has mentioned yet. Every answer asks
 * for them and nearly none finds any, so the store is read only once something has happened since.
 */
export class UntoldOrphans {
  readonly #store: Pick<JobStore, "untoldOrphans">;
  /** Owners who have none, as far as has been heard. */
  readonly #without = new Set<string>();

  constructor(store: Pick<JobStore, "untoldOrphans">, events: JobEvents) {
    this.#store = store;
    events.subscribeToAll((job) => {
      if (mayBeUntold(job)) this.#without.delete(job.owner);
    });
  }

  /** Whether an owner may have some; `false` costs nothing to find out. */
  mayBe(owner: string): boolean {
    return !this.#without.has(owner);
  }

  /** An owner's, the oldest first and some at a time. @throws {storage} */
  async of(owner: string): Promise<Job[]> {
    if (!this.mayBe(owner)) return [];
    // Noted before it is known: what happens while the store is read takes it back.
    this.#without.add(owner);
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
