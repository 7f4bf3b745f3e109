import type { MediaStore } from "./media-store.ts";

/** Files of a job that are not where they were kept; what nobody can tell now is not among them. */
export async function missingMedia<M extends { path: string }>(
  store: Pick<MediaStore, "stat">,
  { owner, media }: { owner: string; media: readonly M[] },
): Promise<M[]> {
  const found = await Promise.all(
    media.map(({ path }) => store.stat(owner, path).catch(() => "unknown")),
  );
  return media.filter((_, position) => found[position] === undefined);
}
