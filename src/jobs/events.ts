import type { Job } from "./job.ts";

/** News about a job. A listener must not throw. */
export type JobListener = (job: Job) => void;

/** How the parts of the program that show jobs hear of changes, wherever those were made. */
export class JobEvents {
  readonly #listeners = new Set<JobListener>();

  /** @returns a function that ends the subscription. */
  subscribe(listener: JobListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  publish(job: Job): void {
    for (const listener of [...this.#listeners]) listener(job);
  }
}
