import { createHash } from "node:crypto";
import { AppError } from "../core/errors.ts";
import { isFinal, type Job } from "./job.ts";

const UNDELIVERED_MS = 600_000;
const DELIVERED_MS = 20_000;

/**
 * What makes two purchases identical: the operation and everything that would be sent. Only a
 * store's digest of it is recorded, or a prompt could be guessed by it.
 */
export function fingerprintOf(operation: string, wire: unknown): string {
  return createHash("sha256")
    .update(`${operation}\n${canonicalJson(wire)}`)
    .digest("hex");
}

/**
 * Whether an identical earlier job stands for a new call. A client that makes a call twice, because
 * its answer was lost or it has grown impatient, must not buy twice; someone who wants another
 * picture of the same prompt has to be believed after a while, or at once if they say so.
 */
export function standsForDuplicate(earlier: Job, now: number): boolean {
  if (!isFinal(earlier.state)) return true;
  if (earlier.state === "unknown" && earlier.charge === "uncertain") return true;
  return now < duplicatesUntil(earlier);
}

/** Until when an ended job whose charge is known stands for identical calls; 0: for none. */
export function duplicatesUntil(
  ended: Pick<Job, "charge" | "state" | "deliveredAt" | "completedAt" | "updatedAt">,
): number {
  // What ended without a result has cost nothing; an answer may be free and is a result.
  if (ended.charge === "none" && ended.state !== "completed") return 0;
  return ended.deliveredAt === null
    ? (ended.completedAt ?? ended.updatedAt) + UNDELIVERED_MS
    : ended.deliveredAt + DELIVERED_MS;
}

/** What a call is told that would get a job which was deleted. */
export function deletedDuplicate(by: "key" | "arguments"): AppError {
  return by === "key"
    ? new AppError("not_found", "The job of this `idempotency_key` was deleted.", {
        next: "Nothing was bought. To have another one made, use another `idempotency_key`.",
      })
    : new AppError("not_found", "An identical call has just had a job, which was deleted.", {
        next: "Nothing was bought. To have another one made, call again with `force_new: true`.",
      });
}

/**
 * Whether the job that has an idempotency key stands for a new call with the same key.
 * @throws {invalid_input} where it cannot, because the call asks for something else
 */
export function requireSameCall(keyed: Job, job: Job, forceNew: boolean): void {
  if (keyed.fingerprint === job.fingerprint && !forceNew) return;
  const why = forceNew ? "and `force_new` asks for another." : "which has other arguments.";
  throw new AppError(
    "invalid_input",
    `\`idempotency_key\` already stands for ${keyed.jobId}, ${why}`,
    {
      next: "Use another `idempotency_key` for another job; nothing was sent.",
    },
  );
}

/** JSON that does not depend on the order in which keys were written. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
