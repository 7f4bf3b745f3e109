import type { CallToolResult } from "@modelcontextprotocol/server";
import type { Job, WholeJob } from "../jobs/job.ts";
import type { ResultOptions } from "./result.ts";
import type { Services } from "./services.ts";

/** How a kind of job is shown. */
export interface Presenter {
  /** What a waiting caller is told beside state and time; begins with a comma, or is empty. */
  progress(services: Services, jobId: string): string;
  result(services: Services, job: WholeJob, options: ResultOptions): Promise<CallToolResult>;
  /** A few words about a completed job. */
  summary(job: Job): string;
}
