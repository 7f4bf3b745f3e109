import type { Charge, JobState } from "../jobs/job.ts";

/** What is noted. Whatever is bought is noted by the store itself, with the record of it. */
export const AUDIT_EVENTS = [
  "job_started",
  "job_adopted",
  "job_found",
  "job_charged",
  "job_ended",
  "job_cancelled",
  "job_settled",
  "job_deleted",
  "thread_deleted",
  "user_added",
  "user_changed",
  "user_revoked",
  "user_erased",
  "token_made",
  "token_rotated",
  "subject_seen",
  "issuer_set",
  "service_opened",
  "login_refused",
] as const;
export type AuditEvent = (typeof AUDIT_EVENTS)[number];

/** Who did what, and when. Nothing in it is anybody's words, and no owner's name. */
export interface AuditEntry {
  /** Milliseconds since the epoch; of refused logins, the beginning of the minute. */
  at: number;
  event: AuditEvent;
  /** Whose; `undefined` where nobody is known. */
  owner?: string | undefined;
  /** The tool that was called, which is the job's operation. */
  tool?: string | undefined;
  jobId?: string | undefined;
  /** Of a request that a job was made of, or given back: the provider's own id. */
  requestId?: string | undefined;
  threadId?: string | undefined;
  state?: JobState | undefined;
  charge?: Charge | undefined;
  /** What it cost, or was thought to cost, in US dollars. */
  usd?: number | undefined;
  /** From where a login was refused. */
  address?: string | undefined;
  /** How many logins were refused from there in that minute. */
  count?: number | undefined;
}

/** Logins that were refused from one address within one minute. */
export interface Refusals {
  address: string;
  /** When the minute began, in milliseconds since the epoch. */
  minute: number;
  count: number;
}

/** What has happened here, which only grows: nothing in it can be changed or removed. */
export interface AuditLog {
  note(entry: Omit<AuditEntry, "count">): Promise<void>;
  /** Adds to the count of each address and minute, which have one entry each. */
  noteRefusals(refusals: readonly Refusals[]): Promise<void>;
  /**
   * The oldest first.
   * @param since only what happened from then on. @param after the `last` of the page before.
   */
  read(since: number, after: number, limit: number): Promise<AuditPage>;
}

export interface AuditPage {
  entries: AuditEntry[];
  /** Where the next page begins; `undefined` when there is none. */
  last: number | undefined;
}
