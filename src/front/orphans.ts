import { findPlace, lives } from "../cli/process-place.ts";
import { nameHolder } from "../jobs/lease-holder.ts";
import { holdersIn } from "./unfinished.ts";

/** Whether a data folder has jobs whose process surely is gone. */
export function hasOrphans(dataDir: string): boolean {
  const startedAt = Math.round(performance.timeOrigin);
  const { isGone } = nameHolder({ place: findPlace(), pid: process.pid, startedAt, lives });
  return holdersIn(dataDir)?.some(isGone) ?? false;
}
