import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { HttpDoor } from "../gateway/http.ts";
import type { PixazoClient } from "../gateway/pixazo.ts";
import type { Library } from "../media/library.ts";
import type { JobEvents } from "./events.ts";
import type { JobStore } from "./store.ts";

/** What every part of a job's life works with. */
export interface JobContext {
  store: JobStore;
  gateway: PixazoClient;
  http: HttpDoor;
  library: Library;
  events: JobEvents;
  clock: Clock;
  log: Log;
  /** Where purchases are sent; only jobs sent there are followed. */
  baseUrl: string;
  /** The base ends with this process, and its jobs with it: the built-in sandbox. */
  baseIsEphemeral: boolean;
  /** Our own loopback bases, the only places from which http media are taken. */
  trustedOrigins: readonly string[];
  /** 1 for the real gateway; smaller where a loopback base runs faster. */
  timeScale: number;
  /** From 0 to 1, for jitter. */
  random: () => number;
  /** This process, as leases name it. */
  holder: string;
  /** Whether the process that a lease names has ended. */
  isGone: (holder: string) => boolean;
  /** Aborts when the server is asked to end. */
  stopping: AbortSignal;
}
