import { DAY_MS } from "../core/clock.ts";
import { isFinal, type Job } from "../jobs/job.ts";

/** How long a job in doubt can still learn of its request. */
const IN_DOUBT_MS = 7 * DAY_MS;

/** A webhook that came for a job, and the request that it names; "" where it names none. */
export interface WebhookCall {
  owner: string;
  jobId: string;
  requestId: string;
}

/** Whose secret it is that somebody knows. */
export interface SecretOf {
  job: Job;
  /** The process that follows the job, if one does. */
  holder: string | null;
}

/**
 * What must be known of webhooks beyond the process that they reach. Of a secret a digest is kept,
 * and it is never read again.
 */
export interface WebhookRecord {
  /** Notes the secret of a request that is about to be sent. Durable when its promise resolves. */
  expect(job: Pick<Job, "owner" | "jobId">, secret: string, now: number): Promise<void>;
  /** Whether any webhook of the job may come. */
  isExpected(owner: string, jobId: string): Promise<boolean>;
  /** The job that a secret belongs to, whatever has become of it. */
  find(secret: string): Promise<SecretOf | undefined>;
  /**
   * Notes that a webhook came, until it has been dealt with. Of one job and request it is noted
   * once, and of one job so many different ones at most.
   * @param takenBy who deals with it; whoever may take it where that is absent.
   */
  note(call: WebhookCall, takenBy: string | undefined, most: number, now: number): Promise<void>;
  /**
   * Takes the calls that this process has to deal with: of the jobs that it follows, and of jobs in
   * doubt that were sent to its base and of which nobody takes care any more. Cheap when there are none.
   */
  take(taker: Taker): Promise<WebhookCall[]>;
  /** Forgets a call that has been dealt with; all of a job's where no request is named. */
  done(call: Pick<WebhookCall, "owner" | "jobId"> & { requestId?: string }): Promise<void>;
  /** Forgets the secrets and calls of jobs that take none any more. */
  sweep(now: number): Promise<void>;
}

/** Who takes calls. */
export interface Taker {
  holder: string;
  baseUrl: string;
  now: number;
  /** What was taken by another process so long ago is free again, in milliseconds. */
  patienceMs: number;
  isGone: (holder: string) => boolean;
}

/**
 * Whether a job may still learn something from its webhooks: until its end, and in doubt until it is
 * settled or too old.
 */
export function takesWebhooks(
  job: Pick<Job, "state" | "charge" | "createdAt">,
  now: number,
): boolean {
  if (!isFinal(job.state)) return true;
  return job.state === "unknown" && job.charge === "uncertain" && now - job.createdAt < IN_DOUBT_MS;
}
