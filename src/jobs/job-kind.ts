import type { Job, WholeJob } from "./job.ts";

/**
 * A kind of job that is no purchase at the image gateway. It is recorded, leased, listed and waited
 * for like all others; what is done with it is handed in by the part of the program that knows.
 */
export interface Work {
  /** What its jobs have as their operation. */
  name: string;
  /** Where they are sent. Jobs that were sent elsewhere are taken over as well. */
  baseUrl: string;
  /** Brings a queued job to its end. It stays unfinished only when the server is stopping. */
  carryOut(job: Job): Promise<void>;
  /** Does the next thing for an unfinished job whose process is gone. */
  recover(job: Job): Promise<void>;
  /** Brings back files of a completed job that are no longer where they were. */
  restore(job: WholeJob): Promise<WholeJob>;
  /** Hears that a queued job was cancelled. Must not throw. */
  cancelled(job: Job): Promise<void>;
}
