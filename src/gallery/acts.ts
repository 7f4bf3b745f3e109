import { deleteThread } from "../chat/thread-deletion.ts";
import { AppError } from "../core/errors.ts";
import { html } from "../core/html.ts";
import { readThreadId } from "../core/uris.ts";
import { deleteJob } from "../jobs/deleting.ts";
import { deletionText } from "../jobs/deletion-text.ts";
import type { WholeJob } from "../jobs/job.ts";
import { settleByHand } from "../jobs/settling.ts";
import { mayChange } from "../tools/scopes.ts";
import { page } from "./page-frame.ts";
import { leadTo, sendPage } from "./page-replies.ts";
import { seesThreads } from "./permissions.ts";
import type { Visit } from "./visit.ts";

const VERDICTS = { charged: "spent", "not-charged": "none" } as const;

/** Settles what a job has cost, as the person at the page says. @throws {invalid_input | forbidden} */
export async function settle(visit: Visit, job: WholeJob, form: URLSearchParams): Promise<void> {
  requireChange(visit, job);
  const { parts, caller, response } = visit;
  const found = Object.entries(VERDICTS).find(([name]) => name === form.get("verdict"));
  if (!found) throw new AppError("invalid_input", "Say whether it was charged or not.");
  const { store, clock, events } = parts;
  const settled = await settleByHand(store, caller.owner, job.jobId, found[1], clock.now());
  events.publish(settled);
  leadTo(response, `/jobs/${job.jobId}`);
}

/** Deletes a job, with its files if that is wanted. @throws {invalid_input | forbidden} when it stays */
export async function remove(visit: Visit, job: WholeJob, form: URLSearchParams): Promise<void> {
  requireChange(visit, job);
  const { parts, caller, response } = visit;
  // Elsewhere, nobody finds a file that no job leads to any more.
  const withFiles = caller.isRemote || form.get("files") === "on";
  const { job: deleted, stuck } = await deleteJob(
    {
      ...parts,
      reached: () => {},
      removeFile: (owner, ref) => parts.media.delete(owner, ref),
    },
    caller.owner,
    job.jobId,
    withFiles,
  );
  const { nameOf } = parts.sentencesFor(caller);
  const text = parts.redact(deletionText(deleted, withFiles, stuck, nameOf));
  const content = html`<h1>Deleted</h1><p class="words">${text}</p><p><a href="/">All pictures</a></p>`;
  sendPage(response, page(visit, { title: "Deleted", section: "pictures" }, content));
}

/** Deletes a conversation with all that was said. @throws {not_found | invalid_input} when it stays */
export async function removeThread(visit: Visit, given: string): Promise<void> {
  const { parts, caller, response } = visit;
  const threadId = readThreadId(given);
  if (threadId === undefined || !seesThreads(caller)) throw noSuchThread();
  if (!(await parts.threads.thread(caller.owner, threadId))) throw noSuchThread();
  const { busyWith } = await deleteThread(parts, caller.owner, threadId, parts.clock.now());
  if (busyWith !== undefined) {
    throw new AppError(
      "invalid_input",
      "The conversation is still being answered. Wait for its end.",
    );
  }
  leadTo(response, "/threads");
}

export function noSuchThread(): AppError {
  return new AppError("not_found", "There is no such conversation.");
}

function requireChange({ caller }: Visit, job: WholeJob): void {
  if (mayChange(caller, job)) return;
  throw new AppError("forbidden", "Your token does not allow that: it takes the scope jobs:buy.");
}
