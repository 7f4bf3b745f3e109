import { stat } from "node:fs/promises";

/** Files of a job that are not where they were kept. */
export async function missingMedia<M extends { path: string }>(media: readonly M[]): Promise<M[]> {
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
