import type { Job, JobPatch, JobState } from "./job.ts";

export interface JobQuery {
  owner: string;
  states?: readonly JobState[] | undefined;
  operation?: string | undefined;
  limit: number;
  /** From the previous page. */
  cursor?: string | undefined;
}

export interface JobPage {
  jobs: Job[];
  nextCursor: string | undefined;
}

/** Who follows a job, so that several processes can share one data folder. */
export interface Lease {
  /** This process. */
  holder: string;
  /** Milliseconds since the epoch; after that anyone may take over. */
  until: number;
}

/**
 * What the rest of the program may ask of storage. Every write is on disk when its promise
 * resolves. All methods throw {storage} when the database cannot be used.
 */
export interface JobStore {
  create(job: Job, lease: Lease): Promise<void>;
  get(owner: string, jobId: string): Promise<Job | undefined>;
  findByRequestId(owner: string, requestId: string): Promise<Job | undefined>;
  /** Newest first. @throws {invalid_input} for a cursor that is not ours. */
  list(query: JobQuery): Promise<JobPage>;
  /** Changes fields without changing the state. */
  patch(jobId: string, patch: JobPatch, now: number): Promise<Job>;
  /**
   * Moves a job on, if it still is in the state it is thought to be in.
   * @returns the job, or `undefined` when someone else was faster.
   */
  transition(
    jobId: string,
    from: JobState,
    to: JobState,
    patch: JobPatch,
    now: number,
  ): Promise<Job | undefined>;
  /**
   * Takes over unfinished jobs whose lease has run out or whose holder is gone.
   * @param baseUrl only jobs sent there; all when absent.
   */
  takeOver(
    lease: Lease,
    now: number,
    isGone: (holder: string) => boolean,
    baseUrl: string | undefined,
  ): Promise<Job[]>;
  /** Prolongs the leases of all unfinished jobs of this holder. */
  renew(lease: Lease): Promise<void>;
  /** Gives all leases back, at an orderly end. */
  release(holder: string): Promise<void>;
  /** Completed orphans that no answer has mentioned yet; they count as mentioned from now on. */
  takeNews(owner: string, now: number): Promise<Job[]>;
  close(): Promise<void>;
}
