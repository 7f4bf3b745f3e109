import { onAbort } from "./aborting.ts";
import { AppError } from "./errors.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Time as a dependency: code that waits takes a clock, so that a test can be the clock. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some fixed moment; never set back, for measuring how long things take. */
  elapsed(): number;
  /** Calls `run` once after `ms` milliseconds. @returns a function that calls it off. */
  schedule(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  schedule(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * How long ago something was, in milliseconds, as a function that a clock set forward or back while
 * this process runs cannot confuse.
 * @param since milliseconds since the epoch; the future counts as now.
 */
export function ageOf(clock: Clock, since: number): () => number {
  const began = clock.elapsed() - Math.max(0, clock.now() - since);
  return () => clock.elapsed() - began;
}

/**
 * Waits `ms` milliseconds.
 * @throws {cancelled} as soon as `signal` aborts.
 */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const callOff = clock.schedule(ms, () => {
      release();
      resolve();
    });
    const release = onAbort(signal, () => {
      callOff();
      reject(new AppError("cancelled", "The wait was called off."));
    });
  });
}

/** Waits for something, but at most `ms` milliseconds. */
export async function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  let callOff = () => {};
  const patience = new Promise<void>((resolve) => {
    callOff = clock.schedule(ms, resolve);
  });
  await Promise.race([work, patience]).finally(callOff);
}
