import { AppError } from "../../src/core/errors.ts";
import type { JobStore } from "../../src/jobs/job-store.ts";

const WRITES = [
  "admit",
  "transition",
  "patch",
  "beat",
  "takeOver",
  "noteMentioned",
  "forget",
] as const satisfies (keyof JobStore)[];

/** A disk that is full from the n-th write of the job database on, until it is emptied. */
export function fillDisk(store: JobStore, afterWrites = 0): { empty: () => void } {
  let writes = 0;
  let isFull = true;
  for (const method of WRITES) {
    const real = Reflect.get<object, string>(store, method);
    Reflect.set(store, method, async (...args: unknown[]) => {
      if (isFull && writes++ >= afterWrites) {
        throw new AppError("storage", "The job database cannot be used: database or disk is full.");
      }
      return Reflect.apply(real, store, args);
    });
  }
  return {
    empty: () => {
      isFull = false;
    },
  };
}
