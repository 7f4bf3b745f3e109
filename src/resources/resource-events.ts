import type { Caller } from "../core/caller.ts";
import { uris } from "../core/uris.ts";
import type { JobEvents } from "../jobs/events.ts";
import { isFinal, type Job } from "../jobs/job.ts";
import { mayRead, seesJob } from "../tools/scopes.ts";

/**
 * Tells of an owner's resources that read differently from now on, or are gone, and whether there
 * are others than before.
 * @returns a function that ends that.
 */
export function onResourceEvents(
  events: JobEvents,
  caller: Caller,
  tell: (uris: readonly string[], isListChanged: boolean) => void,
): () => void {
  const known = new Set<string>();
  const ends = [
    events.subscribe(caller.owner, (job) => {
      if (!seesJob(caller, job)) return;
      const indexes = job.media.map(({ index }) => index);
      // Readable from its first moment on; some hosts read only what they have seen in a list.
      const isNew = !known.has(job.jobId);
      if (isFinal(job.state)) known.delete(job.jobId);
      else known.add(job.jobId);
      tell([...urisOf(job.jobId, indexes), ...threadOf(job)], isNew || bringsMedia(job));
    }),
    events.subscribeToDeletions(caller.owner, ({ jobId, indexes }) =>
      tell(urisOf(jobId, indexes), true),
    ),
    events.subscribeToThreadDeletions(caller.owner, (threadId) => {
      if (mayRead(caller, "thread")) tell([uris.thread(threadId)], true);
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function urisOf(jobId: string, indexes: readonly number[]): string[] {
  const files = indexes.flatMap((index) => [uris.medium(jobId, index), uris.preview(jobId, index)]);
  return [uris.job(jobId), ...files];
}

/** A delegated turn changes its thread as well. */
function threadOf({ threadId }: Job): string[] {
  return threadId === null ? [] : [uris.thread(threadId)];
}

/** Whether a change of a job changes which media there are. */
function bringsMedia(job: Job): boolean {
  return isFinal(job.state) && job.media.length > 0;
}
