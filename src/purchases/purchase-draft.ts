import type { Caller } from "../core/caller.ts";
import { newJobId } from "../core/ids.ts";
import type { Hosting } from "../inputs/hosting.ts";
import type { StagedFile } from "../inputs/hosting-record.ts";
import { HostingRehearsal } from "../inputs/hosting-rehearsal.ts";
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
 * @param isRehearsal the files are read alike, and written nowhere.
 * @throws {invalid_input | not_found | configuration | storage} for files that cannot be used
 */
export async function draftPurchase(
  context: PurchaseContext,
  caller: Caller,
  request: PurchaseRequest,
  isRehearsal: boolean,
): Promise<Draft> {
  const { owner } = caller;
  const { media, saving, prices, limits, baseUrl } = context;
  const { operation, saveTo } = request;
  const rehearsal = isRehearsal ? new HostingRehearsal(context.hosting) : undefined;
  const hosting = rehearsal ?? context.hosting;
  const { prepared, staged, found } = await withFiles(context, caller, request, hosting);
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
      await hosting.checkQuota(owner, staged);
    },
    async keep() {
      await media.makeRoom(owner);
      await context.hosting.reserve(owner, plan.jobId, staged);
    },
    outline: async () => ({
      url: baseUrl + operation.path,
      body: forRecord(prepared.wire),
      files: found,
      refusals: rehearsal?.refusals ?? [],
    }),
    async over(isRecorded) {
      if (!isRecorded && !isRehearsal) await context.hosting.release(owner, plan.jobId);
      // What the job needs has its place by now.
      await hosting.discard(staged);
    },
  };
}

/** Arguments with what is sent in place of the files that they name. */
async function withFiles(
  { inputs }: PurchaseContext,
  caller: Caller,
  { operation, given }: PurchaseRequest,
  hosting: Hosting,
): Promise<{ prepared: Prepared; staged: StagedFile[]; found: string[] }> {
  if (operation.files.length === 0) return { prepared: given, staged: [], found: [] };
  const files = await inputs.resolve(operation.files, given.input, caller, hosting);
  const { staged, found } = files;
  try {
    const prepared = operation.prepare(given.input, files.values);
    const warnings = [...prepared.warnings, ...files.notes];
    const identity = { ...prepared.input, ...files.identities };
    return { prepared: { ...prepared, warnings, identity }, staged, found };
  } catch (error) {
    await hosting.discard(staged);
    throw error;
  }
}
