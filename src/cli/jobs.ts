import { systemClock } from "../core/clock.ts";
import { LOCAL_OWNER } from "../core/owner.ts";
import type { Settings } from "../settings/settings.ts";
import type { Ending } from "./ending.ts";

/** Lists, shows, exports or settles jobs. */
export async function runJobs(
  words: readonly string[],
  settings: Settings,
  ending: Ending,
): Promise<void> {
  const { runJobsCommand } = await import("./job-actions.ts");
  await runJobsCommand(words, {
    settings,
    owner: LOCAL_OWNER,
    now: systemClock.now(),
    write: (text) => process.stdout.write(text),
    onOpen: (close) => ending.closeWith(close),
  });
}
