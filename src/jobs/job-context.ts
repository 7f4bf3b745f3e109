import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Timings } from "../core/timings.ts";
import type { JobEvents } from "./events.ts";
import type { JobStore } from "./job-store.ts";

/** The points of a job's life at which the plug is pulled in tests. */
export const LIFE_POINTS = [
  "before-record",
  "after-record",
  "before-post",
  "after-reply",
  "after-accepted",
  "before-look",
  "after-look",
  "before-download",
  "before-rename",
  "after-rename",
  "before-completed",
  "before-answer",
] as const;
/** Those of a job's deletion. */
export const DELETION_POINTS = ["before-deletion", "after-deletion", "after-files"] as const;
/** Those of a webhook, from the secret of its address to the request that it leads to. */
export const WEBHOOK_POINTS = [
  "after-secret",
  "webhook-heard",
  "webhook-noted",
  "request-confirmed",
  "request-attached",
] as const;
/** Those of a webhook for a job that another process follows than the one that it reached. */
export const PASSED_ON_POINTS = ["webhook-passed-on", "webhook-taken"] as const;
export type LifePoint =
  | (typeof LIFE_POINTS)[number]
  | (typeof DELETION_POINTS)[number]
  | (typeof WEBHOOK_POINTS)[number]
  | (typeof PASSED_ON_POINTS)[number];

/** What every part of any job's life works with. */
export interface JobContext {
  store: JobStore;
  events: JobEvents;
  clock: Clock;
  log: Log;
  /** How long requests to the provider take. */
  timings: Timings;
  /** Told at every point of a job's life at which a crash must do no harm. */
  reached: (point: LifePoint) => void;
  /** Whether a job that is over still tells what was asked. */
  keepsPrompts: boolean;
  /** This process, as leases name it. */
  holder: string;
  /** Aborts when the server is asked to end. */
  stopping: AbortSignal;
  /** Whether servers elsewhere share the record, and go on with what this one leaves. */
  hasOthers?: boolean;
  /** How long what is in flight then may still take, in milliseconds. */
  patienceMs: number;
}

/** With what it takes to change a job's state: how long a moment is at its base. */
export interface MoveContext extends JobContext {
  /** 1 for a real provider; smaller where a base on this machine runs faster. */
  timeScale: number;
}
