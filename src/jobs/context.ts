import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Limits, PriceList } from "../core/money.ts";
import type { HttpDoor } from "../gateway/http.ts";
import type { PixazoClient } from "../gateway/pixazo.ts";
import type { JobFiles } from "../inputs/hosting.ts";
import type { Library } from "../media/disk-store.ts";
import type { JobEvents } from "./events.ts";
import type { Work } from "./job-kind.ts";
import type { JobStore } from "./store.ts";

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
export type LifePoint = (typeof LIFE_POINTS)[number];

/** What every part of a job's life works with. */
export interface JobContext {
  store: JobStore;
  gateway: PixazoClient;
  http: HttpDoor;
  library: Library;
  /** Files that the provider fetches here. */
  hosting: JobFiles;
  events: JobEvents;
  clock: Clock;
  log: Log;
  /** Where purchases are sent; only jobs sent there are followed. */
  baseUrl: string;
  /** The base ends with this process, and its jobs with it: the built-in sandbox. */
  baseIsEphemeral: boolean;
  /** Our own loopback bases, the only places from which http media are taken. */
  trustedOrigins: readonly string[];
  prices: PriceList;
  limits: Limits;
  /** After how many days ended jobs are forgotten; never when absent. */
  keepJobsDays: number | undefined;
  /** Told at every point of a job's life at which a crash must do no harm. */
  reached: (point: LifePoint) => void;
  /** 1 for the real gateway; smaller where a loopback base runs faster. */
  timeScale: number;
  /** From 0 to 1, for jitter. */
  random: () => number;
  /** This process, as leases name it. */
  holder: string;
  /** Whether the process that a lease names has ended. */
  isGone: (holder: string) => boolean;
  /** Other kinds of jobs than purchases, by the name of their operation. */
  works: ReadonlyMap<string, Work>;
  /** Aborts when the server is asked to end. */
  stopping: AbortSignal;
}
