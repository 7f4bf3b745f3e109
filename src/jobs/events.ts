import type { Job } from "./job.ts";

/** News about a job. A listener must not throw. */
export type JobListener = (job: Job) => void;

/** How the parts of the program that show jobs hear of changes, wherever those were made. */
export class JobEvents {
  readonly #listeners = new Set<JobListener>();
  readonly #heldUp = new Map<string, string>();

  /** @returns a function that ends the subscription. */
  subscribe(listener: JobListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
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
    for (const listener of [...this.#listeners]) listener(job);
  }
}
