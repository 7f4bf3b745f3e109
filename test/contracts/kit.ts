import { beforeEach, onTestFinished } from "vitest";
import type { ThreadStore } from "../../src/chat/thread-store.ts";
import type { HostingRecord } from "../../src/inputs/hosting-record.ts";
import type { UploadRecord } from "../../src/inputs/upload-record.ts";
import type { WholeJob } from "../../src/jobs/job.ts";
import type { JobStore } from "../../src/jobs/job-store.ts";
import type { WebhookRecord } from "../../src/purchases/webhook-record.ts";
import type { QuestionRecord } from "../../src/questions/question-record.ts";
import type { AuditLog } from "../../src/users/audit-log.ts";
import type { Belongings } from "../../src/users/belongings.ts";
import type { UserStore } from "../../src/users/user-store.ts";
import { leftJob, recordJob } from "../support/rig.ts";

/** What one process has open of a place. */
export interface Stores {
  jobs: JobStore;
  threads: ThreadStore;
  hosting: HostingRecord;
  uploads: UploadRecord;
  webhooks: WebhookRecord;
  questions: QuestionRecord;
  users: UserStore;
  audit: AuditLog;
  belongings: Belongings;
  /** From now on nothing need be durable, where many jobs are only made to be counted. */
  hurry: () => void;
}

/** Who opens a place, and when; any process, now, when absent. Whoever is called `gone` is. */
export interface OpenedAs {
  holder?: string;
  now?: number;
}

/** An implementation of the stores, to be held to what is promised of all of them. */
export interface StoreKit {
  /** Makes an empty place. @returns how it is opened. */
  place: () => Promise<string>;
  open: (place: string, as?: OpenedAs) => Promise<Stores>;
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
  readonly hosting: HostingRecord;
  readonly uploads: UploadRecord;
  readonly webhooks: WebhookRecord;
  readonly questions: QuestionRecord;
  readonly users: UserStore;
  readonly audit: AuditLog;
  readonly belongings: Belongings;
  /** As another process would. */
  another(as?: OpenedAs): Promise<Stores>;
  hurry(): void;
  /** Records a job that `me` holds. */
  add(change?: Partial<WholeJob>): Promise<WholeJob>;
}

/**
 * Opens a place for every test of the suite that it is called in, and of no other: suites that
 * follow each other in a file are each within a `describe`.
 */
export function benchFor(kit: StoreKit): Bench {
  let place = "";
  let stores: Stores;
  const open = async (as?: OpenedAs) => {
    const opened = await kit.open(place, as);
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
    get hosting() {
      return stores.hosting;
    },
    get uploads() {
      return stores.uploads;
    },
    get webhooks() {
      return stores.webhooks;
    },
    get questions() {
      return stores.questions;
    },
    get users() {
      return stores.users;
    },
    get audit() {
      return stores.audit;
    },
    get belongings() {
      return stores.belongings;
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
