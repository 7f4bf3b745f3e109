import { DAY_MS } from "../core/clock.ts";
import type { Job } from "../jobs/job.ts";
import type { Task } from "../tasks/task.ts";
import { presenterOf } from "./presenter-of-job.ts";
import type { Services, ToolDeps } from "./services.ts";

/** A job's status costs nothing to look at here; faster, nobody sees a difference. */
const POLL_MS = 3_000;

/** What of a task is the same whatever has become of it. */
export function taskFacts({ settings, clock }: ToolDeps, services: Services, job: Job) {
  const { keepJobsDays } = settings;
  const seconds = Math.max(0, Math.round((clock.now() - job.createdAt) / 1000));
  const more = presenterOf(job).progress(services, job.jobId);
  return {
    taskId: job.jobId,
    statusMessage: `${job.state}, ${seconds} s${more}`,
    createdAt: new Date(job.createdAt).toISOString(),
    lastUpdatedAt: new Date(job.updatedAt).toISOString(),
    ttlMs: keepJobsDays === undefined ? null : keepJobsDays * DAY_MS,
    pollIntervalMs: POLL_MS,
  };
}

/** A job that is under way, as a task. */
export function workingTask(deps: ToolDeps, services: Services, job: Job): Task {
  return { ...taskFacts(deps, services, job), status: "working" };
}
