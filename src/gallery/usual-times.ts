import { isFinal, type Job } from "../jobs/job.ts";
import { REMEMBERED_DURATIONS, usualMs } from "../jobs/usual-duration.ts";
import { operationNamed } from "../models/catalogue.ts";
import type { GalleryParts } from "./visit.ts";

/**
 * How long jobs take that are being made, as far as anybody can say; each operation is looked up
 * once. Never a reason to fail.
 */
export function usualTimes(
  { store }: Pick<GalleryParts, "store">,
  owner: string,
): (job: Job) => Promise<number | undefined> {
  const known = new Map<string, Promise<number | undefined>>();
  const look = async (operation: string) => {
    const own = await store.durations(owner, operation, REMEMBERED_DURATIONS).catch(() => []);
    return usualMs(own) ?? operationNamed(operation)?.pace.typicalMs;
  };
  return async ({ operation, state }) => {
    if (isFinal(state)) return undefined;
    const looking = known.get(operation) ?? look(operation);
    known.set(operation, looking);
    return looking;
  };
}
