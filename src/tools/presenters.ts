import type { CallToolResult } from "@modelcontextprotocol/server";
import { CHAT_OPERATION } from "../chat/names.ts";
import type { Job, WholeJob } from "../jobs/job.ts";
import { chatPresenter } from "./chat-result.ts";
import { jobResult, mediaSummary, type ResultOptions } from "./result.ts";
import type { Services } from "./tool.ts";

/** How a kind of job is shown. */
export interface Presenter {
  /** What a waiting caller is told beside state and time; begins with a comma, or is empty. */
  progress(services: Services, jobId: string): string;
  result(services: Services, job: WholeJob, options: ResultOptions): Promise<CallToolResult>;
  /** A few words about a completed job. */
  summary(job: Job): string;
}

const PICTURES: Presenter = {
  progress: () => "",
  result: (_services, job, options) => jobResult(job, options),
  summary: mediaSummary,
};

const OTHERS: ReadonlyMap<string, Presenter> = new Map([[CHAT_OPERATION, chatPresenter]]);

export function presenterOf(job: Pick<Job, "operation">): Presenter {
  return OTHERS.get(job.operation) ?? PICTURES;
}
