import { AppError } from "../core/errors.ts";
import { newJobId } from "../core/ids.ts";
import { checkedId } from "../gateway/pixazo.ts";
import type { JobContext } from "../jobs/context.ts";
import type { Job, WholeJob } from "../jobs/job.ts";
import { BLANK, NO_LIMITS } from "../jobs/record.ts";
import { move } from "../jobs/transitions.ts";
import { operationOfRequestId } from "../models/index.ts";

/**
 * Records a request that was made elsewhere as a job of ours.
 * @throws {invalid_input} for an id of another API
 * @throws {not_found | unauthorized | upstream_unavailable} as the gateway says
 */
export async function adoptRequest(
  context: JobContext,
  owner: string,
  requestId: string,
): Promise<Job> {
  const { store, gateway, clock, holder } = context;
  const operation = operationOfRequestId(requestId);
  if (!operation) {
    throw new AppError(
      "invalid_input",
      "That request id belongs to none of the queued operations, so its status cannot be asked.",
      { next: "Ids of the older LongCat-Image API go to `longcat_image_legacy_status`." },
    );
  }
  const report = await gateway.status(requestId);
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
  await store.admit(job, holder, { forceNew: true, limits: NO_LIMITS, now });
  context.events.publish(job);
  return job;
}

/**
 * Gives an `unknown` job its request id.
 * @returns the running job, or `undefined` when someone else was faster.
 * @throws {invalid_input} when the job is not in doubt or the id cannot be its own
 * @throws {not_found | unauthorized | upstream_unavailable} as the gateway says
 */
export async function attachRequest(
  context: JobContext,
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
  if (operationOfRequestId(requestId)?.name !== job.operation) {
    throw new AppError("invalid_input", `That request id is not one of ${job.operation}.`);
  }
  const report = await gateway.status(requestId);
  return move(context, job, "running", {
    requestId,
    upstreamStatus: report.rawStatus,
    charge: "reserved",
    acceptedAt: clock.now(),
    completedAt: null,
    deliveredAt: null,
    error: null,
  });
}
