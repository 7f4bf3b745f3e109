import { DAY_MS, HOUR_MS } from "../core/clock.ts";
import { POLL_FLOOR_MS } from "../models/limits.ts";
import type { AnyOperation } from "../models/operation.ts";

const FIRST_INTERVAL_MS = 5_000;
const LAST_INTERVAL_MS = 10_000;
const GROWTH = 1.2;
const JITTER = 0.1;
const SLOW_INTERVAL_MS = 60_000;

/** How long a fresh id may be unknown to the gateway. */
export const UNKNOWN_ID_GRACE_MS = 30_000;
/** After this long nobody can say any more what became of a job. */
export const GIVE_UP_MS = 7 * DAY_MS;

export interface PollHistory {
  /** Since the gateway accepted the job, in milliseconds. */
  ageMs: number;
  /** Looks so far. */
  polls: number;
  /** Consecutive looks that failed. */
  faults: number;
  /** The provider's own wish, in milliseconds. */
  retryAfterMs: number | undefined;
  /** A webhook will tell of its end: after the first look there is hardly anything to look for. */
  isTold: boolean;
}

/**
 * How long to wait before the next look at a job: the operation's own pace first, then 5 s growing
 * to 10 s, once a minute for a job that is long overdue or whose end will be told; slower while looks fail; never below the
 * floor.
 * @param random from 0 to 1, for ±10 % of jitter.
 * @param scale 1 for the real gateway; smaller for a loopback base that runs faster.
 */
export function nextPollMs(
  operation: Pick<AnyOperation, "pace" | "media"> | undefined,
  history: PollHistory,
  random: number,
  scale: number,
): number {
  const patience = operation?.media === "weights" ? DAY_MS : HOUR_MS;
  // A look that failed may have been the one that was told of.
  const isTold = history.isTold && history.faults === 0;
  const regular =
    history.ageMs > patience || isTold
      ? SLOW_INTERVAL_MS
      : Math.min(LAST_INTERVAL_MS, FIRST_INTERVAL_MS * GROWTH ** Math.max(0, history.polls - 1));
  const wanted = history.polls === 0 ? (operation?.pace.firstPollMs ?? regular) : regular;
  const slowed = Math.min(SLOW_INTERVAL_MS, wanted * 2 ** Math.min(history.faults, 6));
  const jittered = slowed * (1 - JITTER + 2 * JITTER * random);
  return Math.max(POLL_FLOOR_MS * scale, jittered * scale, history.retryAfterMs ?? 0);
}
