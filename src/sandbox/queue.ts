import type { Clock } from "../core/clock.ts";

/** When a job waits, runs and ends: milliseconds since the epoch, fixed when it is accepted. */
export interface Schedule {
  acceptedAt: number;
  startsAt: number;
  /** `Infinity` for a job that never ends. */
  endsAt: number;
}

export type Phase = "QUEUED" | "PROCESSING" | "ENDED";

/** The share of a job's time that it spends in the queue even when a worker is free. */
const QUEUED_SHARE = 0.2;

/**
 * A few workers and a line in front of them. Nothing runs: a job's whole course follows from the
 * moment it is accepted, so its phase at any time can be read off its schedule.
 */
export class Queue {
  readonly #clock: Clock;
  readonly #speed: number;
  /** When each worker is free again. */
  readonly #freeAt: number[];

  constructor(clock: Clock, options: { workers: number; speed: number }) {
    this.#clock = clock;
    this.#speed = options.speed;
    this.#freeAt = new Array(options.workers).fill(0);
  }

  /** Gives a job the first worker that becomes free. `durationMs` is meant at speed 1. */
  enter(durationMs: number, options: { stuck: boolean } = { stuck: false }): Schedule {
    const acceptedAt = this.#clock.now();
    const duration = durationMs / this.#speed;
    const worker = this.#freeAt.indexOf(Math.min(...this.#freeAt));
    const startsAt = Math.max(acceptedAt + duration * QUEUED_SHARE, this.#freeAt[worker] ?? 0);
    const endsAt = startsAt + duration * (1 - QUEUED_SHARE);
    // A stuck job gives its worker back: it must not hold up the others.
    this.#freeAt[worker] = endsAt;
    return { acceptedAt, startsAt, endsAt: options.stuck ? Number.POSITIVE_INFINITY : endsAt };
  }
}

/** Where a job stands at `now`. */
export function phaseAt(schedule: Schedule, now: number): Phase {
  if (now >= schedule.endsAt) return "ENDED";
  return now >= schedule.startsAt ? "PROCESSING" : "QUEUED";
}

/** How much of the work is done at `now`, from 0 to 1. */
export function progressAt(schedule: Schedule, now: number): number {
  if (now >= schedule.endsAt) return 1;
  if (now <= schedule.startsAt || !Number.isFinite(schedule.endsAt)) return 0;
  return (now - schedule.startsAt) / (schedule.endsAt - schedule.startsAt);
}
