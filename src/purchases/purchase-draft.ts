import { newJobId } from "../core/ids.ts";
import type { StagedFile } from "../inputs/hosting-record.ts";
import type { Draft, JobPlan, StartWishes } from "../jobs/job-kind.ts";
import { forRecord } from "../jobs/record.ts";
import type { AnyOperation, Prepared } from "../models/operation.ts";
import { imagesAsked } from "./keeping.ts";
import { estimateUsd } from "./prices.ts";
import type { PurchaseContext } from "./purchase-context.ts";

export interface PurchaseRequest extends StartWishes {
  operation: AnyOperation;
  /** Arguments in their normal form; files as the caller named them. */
  given: Prepared;
}

/**
 * Reads the files that a purchase names and makes a job of it. Nothing of it stays behind if it
 * throws.
 * @throws {invalid_input | not_found | configuration | storage} for files that cannot be used
 */
export async function draftPurchase(
  context: PurchaseContext,
  owner: string,
  request: PurchaseRequest,
): Promise<Draft> {
  const { inputs, media, saving, hosting, prices, limits } = context;
  const { operation, given, saveTo } = request;
  const { prepared, staged } = await withFiles(context, owner, operation, given);
  const pictures = imagesAsked(prepared);
  const reservedUsd = estimateUsd(operation, pictures, prices);
  const plan: JobPlan = {
    jobId: newJobId(),
    operation: operation.name,
    threadId: null,
    input: forRecord(prepared.input),
    wire: prepared.wire,
    identity: prepared.identity ?? prepared.wire,
    saveTo: saveTo ?? null,
    charge: "reserved",
    reservedUsd,
    warnings: prepared.warnings,
  };
  return {
    plan,
    limits,
    async check() {
      await media.checkRoom(owner, operation.media, pictures);
      if (saveTo !== undefined) await saving.check(saveTo, operation.media, pictures);
    },
    keep: () => hosting.reserve(owner, plan.jobId, staged),
    async over(isRecorded) {
      if (!isRecorded) await hosting.release(owner, plan.jobId);
      // What the job needs has its place by now.
      await inputs.discard({ staged });
    },
  };
}

/** Arguments with what is sent in place of the files that they name. */
async function withFiles(
  { inputs }: PurchaseContext,
  owner: string,
  operation: AnyOperation,
  given: Prepared,
): Promise<{ prepared: Prepared; staged: StagedFile[] }> {
  if (operation.files.length === 0) return { prepared: given, staged: [] };
  const files = await inputs.resolve(operation.files, given.input, owner);
  try {
    const prepared = operation.prepare(given.input, files.values);
    const warnings = [...prepared.warnings, ...files.notes];
    const identity = { ...prepared.input, ...files.identities };
    return { prepared: { ...prepared, warnings, identity }, staged: files.staged };
  } catch (error) {
    await inputs.discard(files);
    throw error;
  }
}
