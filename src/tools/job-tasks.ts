import type { Caller } from "../core/caller.ts";
import { AppError } from "../core/errors.ts";
import { JOB_ID_PATTERN } from "../core/id-patterns.ts";
import { isFinal, type WholeJob } from "../jobs/job.ts";
import type { TaskSource } from "../tasks/task.ts";
import { mayChange, requireSeen } from "./scopes.ts";
import type { Call, ToolDeps } from "./services.ts";
import { finishCall } from "./starting.ts";
import { taskFacts, workingTask } from "./working-task.ts";

/** A caller's jobs as tasks: the id of one is that of the other. */
export function jobTasks(
  deps: ToolDeps,
  caller: Caller,
  onDelivered: (requestId: string | number, run: () => void) => void,
): TaskSource {
  const find = async (taskId: string): Promise<WholeJob | undefined> => {
    if (!JOB_ID_PATTERN.test(taskId)) return undefined;
    const { jobs } = await deps.services.get();
    try {
      const job = await jobs.get(caller.owner, taskId);
      requireSeen(caller, job);
      return job;
    } catch (error) {
      if (error instanceof AppError && error.code === "not_found") return undefined;
      throw error;
    }
  };
  const asked = (requestId: string | number): Call => ({
    caller,
    signal: new AbortController().signal,
    onDelivered: (run) =>
      onDelivered(requestId, () => {
        run().catch((err: unknown) => deps.log.error({ err }, "not noted as delivered"));
      }),
    progress: () => {},
  });
  return {
    async get(taskId, requestId) {
      const job = await find(taskId);
      if (!job) return undefined;
      const services = await deps.services.get();
      if (!isFinal(job.state)) return workingTask(deps, services, job);
      const facts = { ...taskFacts(deps, services, job), statusMessage: job.state };
      if (job.state === "cancelled") return { ...facts, status: "cancelled" };
      const wishes = { previews: undefined };
      const result = await finishCall(deps, services, job, asked(requestId), wishes);
      return { ...facts, status: "completed", result };
    },
    async cancel(taskId) {
      const job = await find(taskId);
      if (!job) return false;
      // Asked to stop it is; whether it does is seen when it is asked for.
      if (!mayChange(caller, job)) return true;
      const { jobs } = await deps.services.get();
      await jobs.cancel(caller.owner, job.jobId);
      return true;
    },
    // Jobs ask nothing: what there is to ask is asked before there is one.
    update: async (taskId) => (await find(taskId)) !== undefined,
  };
}
