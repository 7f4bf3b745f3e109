import { timingSafeEqual } from "node:crypto";
import * as z from "zod";
import type { Taker, WebhookCall } from "../../purchases/webhook-record.ts";

/** As much of a digest as is looked for; the rest is compared. */
const HANDLE_CHARACTERS = 8;
/** How many calls one process takes at a time. */
export const TAKEN_AT_ONCE = 500;

const digestRow = z.object({ digest: z.string() });
const heardRow = z.object({
  owner: z.string(),
  job_id: z.string(),
  request_id: z.string(),
  taken_by: z.string().nullable(),
  taken_at: z.number().nullable(),
});

/** What a digest is looked for by. */
export function handleOf(digest: string): string {
  return digest.slice(0, HANDLE_CHARACTERS);
}

/** Whether a digest is among those of a job's secrets; compares with each, whether or not one was found. */
export function isAmong(rows: readonly unknown[], digest: string): boolean {
  const given = Buffer.from(digest);
  return rows
    .map((row) => timingSafeEqual(Buffer.from(digestRow.parse(row).digest), given))
    .includes(true);
}

/** Of rows of `webhook_calls`, the calls that nobody deals with, or not any more. */
export function freeCalls(
  rows: readonly unknown[],
  { now, patienceMs, isGone }: Pick<Taker, "now" | "patienceMs" | "isGone">,
): WebhookCall[] {
  return rows
    .map((row) => heardRow.parse(row))
    .filter(({ taken_by, taken_at }) => {
      if (taken_by === null || isGone(taken_by)) return true;
      return now - (taken_at ?? 0) > patienceMs;
    })
    .map(({ owner, job_id, request_id }) => ({ owner, jobId: job_id, requestId: request_id }));
}
