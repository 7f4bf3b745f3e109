import { CHAT_OPERATION } from "../chat/chat-operation.ts";
import type { Job } from "../jobs/job.ts";
import { chatPresenter } from "./chat-result.ts";
import type { Presenter } from "./presenter.ts";
import { jobResult, mediaSummary } from "./result.ts";

const PICTURES: Presenter = {
  progress: () => "",
  result: (_services, job, options) => jobResult(job, options),
  summary: mediaSummary,
};

const OTHERS: ReadonlyMap<string, Presenter> = new Map([[CHAT_OPERATION, chatPresenter]]);

export function presenterOf(job: Pick<Job, "operation">): Presenter {
  return OTHERS.get(job.operation) ?? PICTURES;
}
