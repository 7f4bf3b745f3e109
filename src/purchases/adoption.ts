import { AppError } from "../core/errors.ts";
import { newJobId } from "../core/ids.ts";
import { oneLine } from "../core/text.ts";
import { checkedId, type LegacyReport, type StatusReport } from "../gateway/pixazo.ts";
import type { Job, JobPatch, WholeJob } from "../jobs/job.ts";
import type { JobStore } from "../jobs/job-store.ts";
import { BLANK, NO_LIMITS } from "../jobs/record.ts";
import type { JobRunner } from "../jobs/runner.ts";
import { move } from "../jobs/transitions.ts";
import { operationOfRequestId } from "../models/catalogue.ts";
import type { PurchaseContext } from "./purchase-context.ts";

/** Jobs for request ids that somebody knows from the gateway. */
export class Adoption {
  readonly #context: PurchaseContext;
  readonly #jobs: JobRunner;

  constructor(context: PurchaseContext, jobs: JobRunner) {
    this.#context = context;
    this.#jobs = jobs;
  }

  /**
   * The job of a gateway's request id; a request made elsewhere is adopted and followed from now on.
   * @throws {invalid_input} for an id of another API
   * @throws {not_found | unauthorized | upstream_unavailable} as the gateway says
   */
  async findOrAdopt(owner: string, requestId: string): Promise<Job> {
    const known = await this.#context.store.findByRequestId(owner, checkedId(requestId));
    if (known) return this.attach(owner, known.jobId, requestId);
    const { job, isNew } = await adoptRequest(this.#context, owner, requestId);
    if (isNew) this.#jobs.takeUp(job);
    return job;
  }

  /**
   * The job of a gateway's request id, if it is its owner's already: for callers who may adopt none.
   * @throws {not_found} for all other requests alike
   */
  async find(owner: string, requestId: string): Promise<Job> {
    const known = await this.#context.store.findByRequestId(owner, checkedId(requestId));
    if (known) return known;
    throw new AppError(
      "not_found",
      `There is no job of yours with the request ${named(requestId)}.`,
      {
        next: "`job_list` shows your jobs. A request that was made elsewhere is taken over with the scope `admin`: ask the user, or whoever runs this server, for a token with it.",
      },
    );
  }

  /**
   * The status of a request of the older API.
   * @throws {not_found} for the request of somebody else's job, as for one that nobody has made
   * @throws {unauthorized | upstream_unavailable} as the gateway says
   */
  async legacyStatus(owner: string, requestId: string): Promise<LegacyReport> {
    const { store, gateway } = this.#context;
    if (!(await store.findByRequestId(owner, requestId))) {
      await refuseKnown(store, owner, requestId);
    }
    const report = await orStrange(requestId, gateway.of(owner).legacyStatus(requestId));
    // That API has a status, not an HTTP status, for what it does not know.
    const isUnknown = /\brequest\b.*\bnot found\b/i.test(report.error?.message ?? "");
    if (isUnknown) throw strange(requestId, report.error);
    return report;
  }

  /**
   * Gives an `unknown` job the request id that someone found at the gateway, and follows it.
   * @throws {not_found | invalid_input} when there is no such job, it is not in doubt, or the id
   *   cannot be its own
   * @throws {not_found | unauthorized | upstream_unavailable} as the gateway says
   */
  async attach(owner: string, jobId: string, requestId: string): Promise<Job> {
    const job = await this.#jobs.get(owner, jobId);
    if (job.requestId === requestId && job.state !== "unknown") return job;
    const attached = await attachRequest(this.#context, job, requestId);
    if (!attached) return this.#jobs.get(owner, jobId);
    this.#jobs.takeUp(attached);
    return attached;
  }
}

/** What changes with a job whose request was found. */
export function attachment(requestId: string, report: StatusReport, now: number): JobPatch {
  return {
    requestId,
    upstreamStatus: report.rawStatus,
    charge: "reserved",
    acceptedAt: now,
    completedAt: null,
    deliveredAt: null,
    error: null,
    wire: null,
  };
}

/** Records a request that was made elsewhere as a job of ours. */
async function adoptRequest(
  context: PurchaseContext,
  owner: string,
  requestId: string,
): Promise<{ job: Job; isNew: boolean }> {
  const { store, gateway, clock, holder } = context;
  const operation = operationOfRequestId(requestId);
  if (!operation) {
    throw new AppError(
      "invalid_input",
      "That request id belongs to none of the queued operations, so its status cannot be asked.",
      { next: "Ids of the older LongCat-Image API go to `longcat_image_legacy_status`." },
    );
  }
  await refuseKnown(store, owner, requestId);
  const report = await orStrange(requestId, gateway.of(owner).status(requestId));
  const now = clock.now();
  const job: WholeJob = {
    ...BLANK,
    jobId: newJobId(),
    owner,
    operation: operation.name,
    baseUrl: context.baseUrl,
    state: "running",
    charge: "none",
    requestId,
    upstreamStatus: report.rawStatus,
    createdAt: now,
    updatedAt: now,
    acceptedAt: now,
    warnings: ["Started elsewhere; its price is not counted here."],
  };
  const rules = { forceNew: true, limits: NO_LIMITS, isFound: true, now };
  const admission = await store.admit(job, holder, rules);
  if (admission.kind === "duplicate") return { job: admission.job, isNew: false };
  context.events.publish(job);
  return { job, isNew: true };
}

/**
 * What somebody else has bought is not told apart from what nobody has; what its owner has deleted
 * does not come back.
 * @throws {not_found} for a request that belongs to none of an owner's jobs, but did or does to one
 */
async function refuseKnown(
  store: Pick<JobStore, "knowsRequest" | "wasDeleted">,
  owner: string,
  requestId: string,
): Promise<void> {
  if (!(await store.knowsRequest(requestId))) return;
  throw (await store.wasDeleted(owner, { requestId }))
    ? new AppError("not_found", `The job of the request ${named(requestId)} was deleted.`, {
        next: "Nothing was bought. To have another one made, call its start tool again with `force_new: true`.",
      })
    : strange(requestId);
}

/** What the gateway does not know has the words of what is not told of. */
async function orStrange<T>(requestId: string, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    const isUnknown = error instanceof AppError && error.code === "not_found";
    throw isUnknown ? strange(requestId, error) : error;
  }
}

function named(requestId: string): string {
  return `\`${oneLine(requestId)}\``;
}

function strange(requestId: string, cause?: unknown): AppError {
  return new AppError("not_found", `There is no request ${named(requestId)}.`, { cause });
}

/**
 * Gives an `unknown` job its request id.
 * @returns the running job, or `undefined` when someone else was faster.
 */
async function attachRequest(
  context: PurchaseContext,
  job: Job,
  requestId: string,
): Promise<Job | undefined> {
  const { store, gateway, clock } = context;
  if (job.state !== "unknown") {
    throw new AppError(
      "invalid_input",
      `${job.jobId} is ${job.state}: only an unknown job takes a request id.`,
    );
  }
  const other = await store.findByRequestId(job.owner, checkedId(requestId));
  if (other && other.jobId !== job.jobId)
    throw new AppError("invalid_input", `That request id belongs to ${other.jobId}.`);
  if (!other) await refuseKnown(store, job.owner, requestId);
  if (operationOfRequestId(requestId)?.name !== job.operation) {
    throw new AppError("invalid_input", `That request id is not one of ${job.operation}.`);
  }
  const report = await orStrange(requestId, gateway.of(job.owner).status(requestId));
  const attached = await move(context, job, "running", attachment(requestId, report, clock.now()), {
    isFound: true,
  });
  if (!attached) await refuseKnown(store, job.owner, requestId);
  return attached;
}
