import { beforeEach, onTestFinished } from "vitest";
import type { ThreadStore } from "../../src/chat/thread-store.ts";
import type { WholeJob } from "../../src/jobs/job.ts";
import type { JobStore } from "../../src/jobs/job-store.ts";
import { leftJob, recordJob } from "../support/rig.ts";

/** What one process has open of a place. */
export interface Stores {
  jobs: JobStore;
  threads: ThreadStore;
  /** From now on nothing need be durable, where many jobs are only made to be counted. */
  hurry: () => void;
}

/** An implementation of the stores, to be held to what is promised of all of them. */
export interface StoreKit {
  /** Makes an empty place. @returns how it is opened. */
  place: () => Promise<string>;
  open: (place: string) => Promise<Stores>;
  /** Path of a module that exports this `open`, for other processes. */
  opener: string;
}

export const BASE = "https://gateway.example";
export const STRANGER = "somebody";

/** A place of its own for each test, and stores on it that are closed behind it. */
export interface Bench {
  readonly place: string;
  readonly jobs: JobStore;
  readonly threads: ThreadStore;
  /** As another process would. */
  another(): Promise<Stores>;
  hurry(): void;
  /** Records a job that `me` holds. */
  add(change?: Partial<WholeJob>): Promise<WholeJob>;
}

export function benchFor(kit: StoreKit): Bench {
  let place = "";
  let stores: Stores;
  const open = async () => {
    const opened = await kit.open(place);
    onTestFinished(() => opened.jobs.close());
    return opened;
  };
  beforeEach(async () => {
    place = await kit.place();
    stores = await open();
  });
  return {
    get place() {
      return place;
    },
    get jobs() {
      return stores.jobs;
    },
    get threads() {
      return stores.threads;
    },
    another: open,
    hurry: () => stores.hurry(),
    async add(change = {}) {
      const job = leftJob({ baseUrl: BASE, ...change });
      await recordJob(stores.jobs, job, "me");
      return job;
    },
  };
}
