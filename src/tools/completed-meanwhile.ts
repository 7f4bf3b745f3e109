import type { ContentBlock } from "@modelcontextprotocol/server";
import { presenterOf } from "./presenter-of-job.ts";
import { completedBlock } from "./result.ts";
import { seesJob } from "./scopes.ts";
import type { Call, ToolDeps } from "./services.ts";

/** What has completed since an owner last heard of its jobs, to be put under an answer. */
export async function completedMeanwhile(
  deps: ToolDeps,
  call: Call,
): Promise<ContentBlock | undefined> {
  const services = deps.services.current;
  if (!services) return undefined;
  try {
    const all = await services.jobs.untold.of(call.caller.owner);
    const jobs = all.filter((job) => seesJob(call.caller, job));
    const block = completedBlock(jobs, (job) => presenterOf(job).summary(job));
    if (block) call.onDelivered(() => services.jobs.untold.noteMentioned(call.caller.owner, jobs));
    return block;
  } catch (error) {
    // The answer itself must not be lost for it.
    deps.log.warn({ err: error }, "what completed meanwhile could not be told");
    return undefined;
  }
}
