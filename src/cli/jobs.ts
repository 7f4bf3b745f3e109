import { systemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { LOCAL_OWNER } from "../core/owner.ts";
import type { Settings } from "../settings/settings.ts";
import type { Ending } from "./ending.ts";

/** Lists, shows, exports, settles or deletes jobs. */
export async function runJobs(
  { words, flags }: { words: readonly string[]; flags: Record<string, string | undefined> },
  settings: Settings,
  ending: Ending,
): Promise<void> {
  const { runJobsCommand } = await import("./job-actions.ts");
  const { files, "older-than": olderThan } = flags;
  if (files !== undefined && files !== "true") {
    throw new AppError("invalid_input", "--files stands alone: with it files are deleted too.");
  }
  const wishes = { olderThan, withFiles: files !== undefined };
  await runJobsCommand(words, wishes, {
    settings,
    owner: LOCAL_OWNER,
    now: systemClock.now(),
    write: (text) => process.stdout.write(text),
    onOpen: (close) => ending.closeWith(close),
  });
}
