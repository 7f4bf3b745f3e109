import type { JobEvents } from "../jobs/events.ts";
import type { Deletion, ThreadStore } from "./thread-store.ts";

/** Deletes a conversation at its owner's wish, and tells all who listen to that owner's things. */
export async function deleteThread(
  { threads, events }: { threads: ThreadStore; events: JobEvents },
  owner: string,
  threadId: string,
  now: number,
): Promise<Deletion> {
  const deletion = await threads.delete(owner, threadId, now);
  if (deletion.busyWith === undefined) events.publishThreadDeletion({ owner, threadId });
  return deletion;
}
