import type { DeletedJob } from "./deletion.ts";
import type { Job } from "./job.ts";

/** What has happened to a job. A listener must not throw. */
export type JobListener = (job: Job) => void;

/** News that a job was deleted. A listener must not throw. */
export type DeletionListener = (deleted: DeletedJob) => void;

/** How the parts of the program that show jobs hear of changes, wherever those were made. */
export class JobEvents {
  readonly #listeners = new Map<string, Set<JobListener>>();
  readonly #listenersToAll = new Set<JobListener>();
  readonly #deletionListeners = new Set<DeletionListener>();
  readonly #heldUp = new Map<string, string>();

  /** Hears of one owner's jobs, and of nobody else's. @returns a function that ends that. */
  subscribe(owner: string, listener: JobListener): () => void {
    const own = this.#listeners.get(owner) ?? new Set();
    this.#listeners.set(owner, own.add(listener));
    return () => {
      own.delete(listener);
      if (own.size === 0 && this.#listeners.get(owner) === own) this.#listeners.delete(owner);
    };
  }

  /** For the program itself: nothing of what it hears may reach a caller. */
  subscribeToAll(listener: JobListener): () => void {
    this.#listenersToAll.add(listener);
    return () => {
      this.#listenersToAll.delete(listener);
    };
  }

  /**
   * Hears of what an owner deletes; of everybody's where that is absent, for the program itself.
   * @returns a function that ends that.
   */
  subscribeToDeletions(owner: string | undefined, listener: DeletionListener): () => void {
    const own: DeletionListener = (deleted) => {
      if (owner === undefined || deleted.owner === owner) listener(deleted);
    };
    this.#deletionListeners.add(own);
    return () => {
      this.#deletionListeners.delete(own);
    };
  }

  /** Says what keeps a job from going on, until it does: a full disk cannot record it. */
  holdUp(jobId: string, reason: string): void {
    this.#heldUp.set(jobId, reason);
  }

  goesOn(jobId: string): void {
    this.#heldUp.delete(jobId);
  }

  heldUpBy(jobId: string): string | undefined {
    return this.#heldUp.get(jobId);
  }

  publish(job: Job): void {
    this.goesOn(job.jobId);
    const own = this.#listeners.get(job.owner) ?? [];
    for (const listener of [...this.#listenersToAll, ...own]) listener(job);
  }

  publishDeletion(deleted: DeletedJob): void {
    this.goesOn(deleted.jobId);
    for (const listener of this.#deletionListeners) listener(deleted);
  }
}
