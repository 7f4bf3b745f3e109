import type { DeletedJob } from "./deletion.ts";
import type { Job } from "./job.ts";

/** What has happened to a job. A listener must not throw. */
export type JobListener = (job: Job) => void;

/** What the program itself does about it, which may take a moment; it must not fail. */
export type JobWork = (job: Job) => unknown;

/** News that a job was deleted. A listener must not throw. */
export type DeletionListener = (deleted: DeletedJob) => void;

/** A conversation that is gone. */
export interface DeletedThread {
  owner: string;
  threadId: string;
}

/** How the parts of the program that show jobs hear of changes, wherever those were made. */
export class JobEvents {
  readonly #listeners = new Map<string, Set<JobListener>>();
  /** By job: of ten thousand that wait to be sent, none hears of all the others. */
  readonly #jobListeners = new Map<string, Set<JobListener>>();
  readonly #listenersToAll = new Set<JobWork>();
  /** What is being done about a job's last change. */
  readonly #work = new Map<string, Promise<unknown>>();
  readonly #deletionListeners = new Set<DeletionListener>();
  readonly #threadListeners = new Set<(deleted: DeletedThread) => void>();
  readonly #heldUp = new Map<string, string>();

  /** Hears of one owner's jobs, and of nobody else's. @returns a function that ends that. */
  subscribe(owner: string, listener: JobListener): () => void {
    return listen(this.#listeners, owner, listener);
  }

  /** Hears of one job. @returns a function that ends that. */
  subscribeToJob({ owner, jobId }: Pick<Job, "owner" | "jobId">, listener: JobListener) {
    return listen(this.#jobListeners, jobId, (job) => {
      if (job.owner === owner) listener(job);
    });
  }

  /** For the program itself: nothing of what it hears may reach a caller. */
  subscribeToAll(listener: JobWork): () => void {
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

  /** Hears of conversations that an owner deletes. @returns a function that ends that. */
  subscribeToThreadDeletions(owner: string, listener: (threadId: string) => void): () => void {
    const own = (deleted: DeletedThread) => {
      if (deleted.owner === owner) listener(deleted.threadId);
    };
    this.#threadListeners.add(own);
    return () => {
      this.#threadListeners.delete(own);
    };
  }

  publishThreadDeletion(deleted: DeletedThread): void {
    for (const listener of this.#threadListeners) listener(deleted);
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
    const work = [...this.#listenersToAll].map((listener) => listener(job));
    this.#keep(job.jobId, work);
    for (const listener of this.#listeners.get(job.owner) ?? []) listener(job);
    for (const listener of this.#jobListeners.get(job.jobId) ?? []) listener(job);
  }

  /** What the program still does about a job's changes, if it does anything. */
  workOn(jobId: string): Promise<unknown> | undefined {
    return this.#work.get(jobId);
  }

  #keep(jobId: string, work: readonly unknown[]): void {
    const begun = work.filter((one) => one instanceof Promise);
    if (begun.length === 0) return;
    const all = Promise.all([this.#work.get(jobId), ...begun]).finally(() => {
      if (this.#work.get(jobId) === all) this.#work.delete(jobId);
    });
    this.#work.set(jobId, all);
  }

  publishDeletion(deleted: DeletedJob): void {
    this.goesOn(deleted.jobId);
    for (const listener of this.#deletionListeners) listener(deleted);
  }
}

function listen<T>(all: Map<string, Set<T>>, key: string, listener: T): () => void {
  const own = all.get(key) ?? new Set();
  all.set(key, own.add(listener));
  return () => {
    own.delete(listener);
    if (own.size === 0 && all.get(key) === own) all.delete(key);
  };
}
