import type { DoomedFile } from "./deletion.ts";
import type { JobStore } from "./job-store.ts";

/**
 * Removes what is left of deleted jobs' files. Whoever is stopped meanwhile, or another process,
 * finds the rest noted.
 * @returns those that cannot be removed, and why.
 */
export async function removeDoomed(
  store: Pick<JobStore, "doomedFiles" | "filesGone">,
  remove: (owner: string, ref: string) => Promise<void>,
): Promise<{ file: DoomedFile; error: unknown }[]> {
  const left: { file: DoomedFile; error: unknown }[] = [];
  for (const file of await store.doomedFiles()) {
    try {
      await remove(file.owner, file.ref);
      await store.filesGone([file]);
    } catch (error) {
      left.push({ file, error });
    }
  }
  return left;
}
