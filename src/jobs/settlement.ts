import type { Job, JobPatch } from "./job.ts";

/** What somebody found out about an uncertain charge. */
export type Verdict = "spent" | "none";

/**
 * What a decision by hand changes about a job.
 * @param isByHand whether its charge was decided on by hand before; that can be corrected.
 * @returns `undefined` for a charge that the program knows.
 */
export function settlement(
  job: Pick<Job, "charge" | "reservedUsd">,
  isByHand: boolean,
  verdict: Verdict,
): JobPatch | undefined {
  if (job.charge !== "uncertain" && !isByHand) return undefined;
  return { charge: verdict, costUsd: verdict === "spent" ? job.reservedUsd : null };
}
