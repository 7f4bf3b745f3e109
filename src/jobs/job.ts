import type { ErrorCode } from "../core/errors.ts";

/** The states of jobs that somebody must follow. */
export const UNFINISHED_STATES = ["queued", "submitting", "running", "downloading"] as const;

/**
 * The life of a job:
 *
 * - `queued`: recorded, nothing sent
 * - `submitting`: the POST is in flight
 * - `running`: the gateway gave a request id
 * - `downloading`: finished there, the files are on their way here
 * - `completed`: the files are ours
 * - `failed`: refused, FAILED, or its files could not be had or kept; those that are named may be
 *   fetched once more
 * - `errored`: ERROR, a system error of the gateway that is not charged
 * - `unknown`: nobody can say whether the POST was accepted; never sent again, but settled by
 *   whoever learns of its acceptance
 * - `cancelled`: given up before anything was accepted, or stopped before anything had come of it
 */
export const JOB_STATES = [
  ...UNFINISHED_STATES,
  "completed",
  "failed",
  "errored",
  "unknown",
  "cancelled",
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** What a job has cost: nothing, perhaps (`reserved`, `uncertain`), or its price. */
export const CHARGES = ["none", "reserved", "spent", "uncertain"] as const;
export type Charge = (typeof CHARGES)[number];

const NEXT_STATES: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ["submitting", "cancelled", "failed"],
  submitting: ["queued", "running", "downloading", "failed", "errored", "unknown", "cancelled"],
  running: ["downloading", "failed", "errored", "unknown", "cancelled"],
  // To itself: files arrive one by one.
  downloading: ["downloading", "completed", "failed", "errored"],
  completed: [],
  failed: ["downloading"],
  errored: [],
  unknown: ["running", "downloading"],
  cancelled: [],
};

export function canBecome(from: JobState, to: JobState): boolean {
  return NEXT_STATES[from].includes(to);
}

/** Whether nothing will change any more without someone asking for it. */
export function isFinal(state: JobState): boolean {
  return !UNFINISHED_STATES.some((one) => one === state);
}

/** Whether a job has failed whose files are there at the provider: they can be fetched once more. */
export function isLeftThere({ state, mediaUrls }: Pick<Job, "state" | "mediaUrls">): boolean {
  return state === "failed" && mediaUrls.length > 0;
}

/** What is made here of the files that the gateway gave. */
export const MEDIUM_ROLES = ["composite", "sheet", "manifest"] as const;
export type MediumRole = (typeof MEDIUM_ROLES)[number];

/** A finished file. */
export interface Medium {
  /** Counts from 1. */
  index: number;
  /** Absent for the gateway's own files. */
  role?: MediumRole;
  /** Where the gateway served it, which may have expired; "" for what was made here. */
  url: string;
  /** What the media store calls it: on a disk its absolute path. */
  path: string;
  mimeType: string;
  /** Pixels as found in the file; absent for files that are not pictures. */
  width?: number;
  height?: number;
  sizeBytes: number;
  sha256: string;
  /** Copies made for `save_to`. */
  copies: string[];
}

export type JobError = { code: ErrorCode; message: string };

/**
 * What lists and events hold of a job: everything of bounded size. Times are milliseconds
 * since the epoch.
 */
export interface Job {
  jobId: string;
  owner: string;
  operation: string;
  /** The conversation that it is a turn of, if it is one. */
  threadId: string | null;
  /** Where it was or will be sent. A process follows only purchases at its own base. */
  baseUrl: string;
  saveTo: string | null;
  state: JobState;
  charge: Charge;
  requestId: string | null;
  /** The gateway's last word about it, as written. */
  upstreamStatus: string | null;
  createdAt: number;
  updatedAt: number;
  /** When the gateway accepted it. */
  acceptedAt: number | null;
  completedAt: number | null;
  /** When its result was given to a client for the first time. */
  deliveredAt: number | null;
  /** Equal for identical purchases; `null` for jobs that were not started here. A store's digest. */
  fingerprint: string | null;
  /** A store's digest as well: a key may have the words of a prompt. */
  idempotencyKey: string | null;
  /** What it was thought to cost when it was started, in US dollars; `null` without a price. */
  reservedUsd: number | null;
  /** US dollars; `null` while nothing was spent or where no price is known. */
  costUsd: number | null;
  error: JobError | null;
  /** Where the finished files can be fetched. */
  mediaUrls: string[];
  media: Medium[];
  /** What the caller should know although all went well; it only grows. */
  warnings: string[];
  /** How many of them, from the first on, an answer that has left has told. */
  warningsTold: number;
  /** It was taken over from a process that is gone, so nobody is waiting for it here. */
  orphaned: boolean;
}

/** What a job was asked for and what is sent for it, which may be large. */
export interface JobBody {
  /** The caller's arguments, pictures given as data URIs shortened. */
  input: Record<string, unknown>;
  /** The body to send; dropped as soon as it can never be sent again. */
  wire: Record<string, unknown> | null;
}

/** A whole job: only where one is looked at, never in lists. */
export interface WholeJob extends Job, JobBody {}

/** The fields that change during a job's life. */
export type JobPatch = Partial<
  Pick<
    WholeJob,
    | "input"
    | "wire"
    | "charge"
    | "requestId"
    | "upstreamStatus"
    | "acceptedAt"
    | "completedAt"
    | "costUsd"
    | "error"
    | "mediaUrls"
    | "media"
    | "warnings"
    | "warningsTold"
    | "deliveredAt"
    | "reservedUsd"
    | "orphaned"
  >
>;
