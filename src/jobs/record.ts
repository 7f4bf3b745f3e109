import { createHash } from "node:crypto";
import type { Limits } from "../core/money.ts";
import type { WholeJob } from "./job.ts";

const LONGEST_RECORDED_URI = 200;

/** For jobs that cost nothing here. */
export const NO_LIMITS: Limits = {
  perDayUsd: undefined,
  perMonthUsd: undefined,
  confirmAboveUsd: undefined,
};

/** The fields of a job that nothing has happened to. */
export const BLANK = {
  input: {},
  wire: null,
  threadId: null,
  saveTo: null,
  requestId: null,
  upstreamStatus: null,
  acceptedAt: null,
  completedAt: null,
  deliveredAt: null,
  fingerprint: null,
  idempotencyKey: null,
  reservedUsd: null,
  costUsd: null,
  error: null,
  mediaUrls: [],
  media: [],
  warnings: [],
  warningsTold: 0,
  orphaned: false,
} satisfies Partial<WholeJob>;

/** Arguments as they are recorded: pictures given as data URIs by size and digest only. */
export function forRecord(input: Record<string, unknown>): Record<string, unknown> {
  const shorten = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shorten);
    if (typeof value === "object" && value !== null)
      return forRecord(Object.fromEntries(Object.entries(value)));
    if (typeof value !== "string" || value.length <= LONGEST_RECORDED_URI) return value;
    const type = /^data:([^;,]*)/i.exec(value)?.[1];
    if (type === undefined) return value;
    const digest = createHash("sha256").update(value).digest("hex").slice(0, 16);
    return `data:${type} (${value.length} characters, sha256 ${digest}…)`;
  };
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, shorten(value)]));
}
