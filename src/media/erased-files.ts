import type { Log } from "../core/log.ts";
import type { MediaStore } from "./media-store.ts";

/** Removes what came for owners after they were erased. */
export async function removeErased(
  erased: () => Promise<readonly string[]>,
  media: Pick<MediaStore, "deleteAll">,
  log: Log,
): Promise<void> {
  try {
    for (const owner of await erased()) await media.deleteAll(owner);
  } catch (error) {
    log.error({ err: error }, "files of erased users were not removed");
  }
}
