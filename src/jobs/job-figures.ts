import type { Charge, JobState } from "./job.ts";

/** How many jobs there are of one sort, of everybody, and what was or may be charged for them. */
export interface CountedJobs {
  /** `deleted` ones are counted as long as what they cost is. */
  state: JobState | "deleted";
  operation: string;
  charge: Charge;
  jobs: number;
  usd: number;
}

/** What can be told of all jobs at any moment without looking at one. */
export interface JobFigures {
  counted: CountedJobs[];
  /** When the oldest unfinished job of each state was recorded, in milliseconds since the epoch. */
  oldest: { state: JobState; createdAt: number }[];
}
