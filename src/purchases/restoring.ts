import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import type { Job, Medium, WholeJob } from "../jobs/job.ts";
import { withRestored } from "../jobs/made-files.ts";
import { missingMedia } from "../media/missing.ts";
import type { AnyOperation } from "../models/operation.ts";
import { type Fetcher, jobErrorOf } from "./fetcher.ts";
import { layerExtras } from "./layering.ts";
import type { PurchaseContext } from "./purchase-context.ts";

/**
 * Fetches again what is missing of a completed job's files, and makes again what is made of them.
 * @throws {media_expired | bad_upstream_reply | storage} when one cannot be had as it was.
 */
export async function restoreMedia(
  context: PurchaseContext,
  fetcher: Fetcher,
  job: WholeJob,
  operation: AnyOperation | undefined,
): Promise<WholeJob> {
  const { store, events, clock } = context;
  const gone = await missingMedia(context.media, job);
  if (gone.length === 0) return job;
  await context.media.clearDrafts(job);
  const own = await Promise.all(
    job.media
      .filter((medium) => medium.role === undefined)
      .map(async (medium) => {
        if (!gone.includes(medium)) return medium;
        const again = await fetcher.fetchOnce(job, operation, medium).catch((error: unknown) => {
          throw jobErrorOf(error);
        });
        if (again.sha256 === medium.sha256) return { ...again, copies: medium.copies };
        await deleteMedia(context, job, [again]);
        throw new AppError(
          "bad_upstream_reply",
          `${oneLine(medium.url)} serves another file now, so it was not kept.`,
        );
      }),
  );
  const extras = job.media.filter((medium) => medium.role !== undefined);
  const isWhole = !extras.some((medium) => gone.includes(medium));
  const made = isWhole ? extras : await layerExtras(context, job, operation, own, []);
  const change = (media: readonly Medium[]) => withRestored(media, [...own, ...made]);
  const restored = await store
    .amendMedia(job.owner, job.jobId, change, clock.now())
    .catch(async (error: unknown) => {
      // A job that was deleted meanwhile has no files.
      const before = new Set(job.media.map(({ path }) => path));
      const all = [...own, ...made];
      await discardMedia(
        context,
        job,
        all.filter(({ path }) => !before.has(path)),
      );
      throw error;
    });
  events.publish(restored);
  const current = new Set(restored.media.map(({ path }) => path));
  await deleteMedia(
    context,
    job,
    extras.filter(({ path }) => !current.has(path)),
  );
  return { ...job, ...restored };
}

/**
 * Lets go what was fetched and nothing refers to, so far; another process may be about to. A file
 * that cannot be deleted does no harm.
 */
export async function discardMedia(
  context: PurchaseContext,
  job: Job,
  fetched: readonly Medium[],
): Promise<void> {
  const { media } = context;
  await withEach(context, job, fetched, (path) => media.letGo(job.owner, path));
}

/** Deletes what the job's own record names no longer, or must not. */
async function deleteMedia(
  context: PurchaseContext,
  job: Job,
  files: readonly Medium[],
): Promise<void> {
  const { media } = context;
  await withEach(context, job, files, (path) => media.delete(job.owner, path));
}

async function withEach(
  { log }: PurchaseContext,
  { jobId }: Job,
  files: readonly Medium[],
  work: (path: string) => Promise<void>,
): Promise<void> {
  for (const { path } of files) {
    await work(path).catch((error: unknown) => {
      log.warn({ job: jobId, err: error }, "a file that nothing refers to was not deleted");
    });
  }
}
