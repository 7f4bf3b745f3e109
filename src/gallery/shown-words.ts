import { CHAT_OPERATION } from "../chat/chat-operation.ts";
import { MINUTE_MS } from "../core/clock.ts";
import { formatUsd } from "../core/money.ts";
import { oneLine } from "../core/text.ts";
import type { Charge, Job, JobState } from "../jobs/job.ts";
import { operationNamed } from "../models/catalogue.ts";

/** How people call a job's state. */
export const STATE_WORDS: Readonly<Record<JobState, string>> = {
  queued: "Waiting",
  submitting: "Being sent",
  running: "Being made",
  downloading: "Arriving",
  completed: "Done",
  failed: "Failed",
  errored: "Failed at the provider",
  unknown: "In doubt",
  cancelled: "Cancelled",
};

/** What a job is of, as people call it. */
export function operationTitle(operation: string): string {
  if (operation === CHAT_OPERATION) return "LongCat chat";
  return operationNamed(operation)?.title ?? oneLine(operation, 80);
}

/** As "20 November 2026"; days are UTC, as those of filters and budgets. */
export function dayWords(ms: number): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(ms);
}

/** As "2026-11-20 12:00 UTC". */
export function timeWords(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

export function costWords({
  charge,
  costUsd,
  reservedUsd,
}: Pick<Job, "charge" | "costUsd" | "reservedUsd">): string {
  const usd = costUsd ?? reservedUsd;
  const amount = usd === null ? "price not known" : formatUsd(usd);
  return CHARGE_WORDS[charge](amount);
}

const CHARGE_WORDS: Readonly<Record<Charge, (amount: string) => string>> = {
  none: () => "nothing",
  reserved: (amount) => `${amount}, once it is made`,
  spent: (amount) => amount,
  uncertain: (amount) => `perhaps ${amount}: nobody knows`,
};

/** As "1.5 s" or "2 min". */
export function durationWords(ms: number): string {
  if (ms < 90_000) return `${Math.max(0, Math.round(ms / 100) / 10)} s`;
  return `${Math.round(ms / MINUTE_MS)} min`;
}
