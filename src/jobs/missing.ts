import { stat } from "node:fs/promises";
import type { Medium } from "./job.ts";

/** Files of a job that are not where they were kept. */
export async function missingMedia(media: readonly Medium[]): Promise<Medium[]> {
  const found = await Promise.all(
    media.map((medium) =>
      stat(medium.path).then(
        (one) => one.isFile(),
        () => false,
      ),
    ),
  );
  return media.filter((_, position) => !found[position]);
}
