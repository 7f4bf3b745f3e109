import { systemClock } from "../core/clock.ts";
import type { Settings } from "../settings/settings.ts";
import type { AuditEntry } from "../users/audit-log.ts";
import type { Ending } from "./ending.ts";
import { readSince } from "./since.ts";

const PAGE = 1000;

/** Prints what has happened, the oldest first, a JSON object a line. */
export async function runAudit(
  since: string | undefined,
  settings: Settings,
  ending: Ending,
): Promise<void> {
  const from = since === undefined ? 0 : readSince(since, systemClock.now());
  const { withUserRecord } = await import("./user-record.ts");
  await withUserRecord(settings, ending, async ({ audit }) => {
    let after: number | undefined = 0;
    do {
      const { entries, last } = await audit.read(from, after, PAGE);
      process.stdout.write(entries.map(lineOf).join(""));
      after = last;
    } while (after !== undefined);
  });
}

function lineOf({ at, jobId, requestId, threadId, ...entry }: AuditEntry): string {
  const { event, owner, ...facts } = entry;
  const time = new Date(at).toISOString();
  const ids = { job_id: jobId, request_id: requestId, thread_id: threadId };
  return `${JSON.stringify({ at: time, event, owner, ...ids, ...facts })}\n`;
}
