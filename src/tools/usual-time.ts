import { HOUR_MS, MINUTE_MS } from "../core/clock.ts";
import type { Job } from "../jobs/job.ts";
import type { JobRunner } from "../jobs/runner.ts";
import { operationNamed } from "../models/catalogue.ts";

const SECOND_MS = 1_000;
/** Looking more often than this tells nothing new. */
const SOONEST_MS = 5 * SECOND_MS;
/** A job that takes longer than usual is looked at once in this share of its age. */
const OVERDUE_SHARE = 0.25;
const LATEST_MS = 15 * MINUTE_MS;
/** How far along a job is that has reached its usual time; the rest is for those that take longer. */
const ALMOST = 0.9;

export interface UsualTime {
  ms: number;
  /** As such jobs have taken here; else as the provider's page says. */
  isOwn: boolean;
}

/** How long jobs like this one take, as far as anybody can say. Never a reason to fail. */
export async function usualTimeOf(
  { jobs }: { jobs: Pick<JobRunner, "usualMs"> },
  { owner, operation }: Pick<Job, "owner" | "operation">,
): Promise<UsualTime | undefined> {
  const own = await jobs.usualMs(owner, operation).catch(() => undefined);
  if (own !== undefined) return { ms: own, isOwn: true };
  const printed = operationNamed(operation)?.pace.typicalMs;
  return printed === undefined ? undefined : { ms: printed, isOwn: false };
}

/** What the text about an unfinished job says of time: when to look again, and why then. */
export function lookAgain(ageMs: number, usual: UsualTime | undefined): string {
  const again = `look again in about ${roughly(untilNextLook(ageMs, usual))}.`;
  if (!usual) return again;
  return `${again} Such jobs usually take ${roughly(usual.ms)}${usual.isOwn ? " here" : ""}.`;
}

function untilNextLook(ageMs: number, usual: UsualTime | undefined): number {
  const left = (usual?.ms ?? 0) - ageMs;
  if (left >= SOONEST_MS) return left;
  return Math.min(LATEST_MS, Math.max(SOONEST_MS, ageMs * OVERDUE_SHARE));
}

/** A time as people say it: 8 s, 25 s, 4 min, 2 h. */
export function roughly(ms: number): string {
  if (ms >= 1.5 * HOUR_MS) return `${Math.round(ms / HOUR_MS)} h`;
  if (ms >= 1.5 * MINUTE_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  const seconds = Math.max(1, Math.round(ms / SECOND_MS));
  return `${seconds < 20 ? seconds : Math.round(seconds / 5) * 5} s`;
}

export interface Progress {
  /** Seconds of the usual time; below `total`, however long it takes. */
  progress: number;
  /** The usual time in seconds. */
  total: number;
}

/**
 * How far along a job is: in step with the clock for most of its usual time, and ever slower after,
 * so that it grows and never arrives before the job does.
 */
export function progressOf(ageMs: number, usual: UsualTime): Progress {
  const share = Math.max(0, ageMs) / usual.ms;
  const over = share - ALMOST;
  const shown = over <= 0 ? share : ALMOST + (1 - ALMOST) * (over / (over + 1 - ALMOST));
  const total = usual.ms / SECOND_MS;
  return { progress: shown * total, total };
}
