import * as z from "zod";
import type { Caller } from "../core/caller.ts";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { readJobId } from "../core/uris.ts";
import { deletionText } from "../jobs/deletion-text.ts";
import { isFinal, type Job } from "../jobs/job.ts";
import { knownAs } from "../models/facts.ts";
import { cancellationText } from "./cancellation-text.ts";
import { settledByUser } from "./doubt.ts";
import { jobListTool } from "./job-list.ts";
import { MAX_LISTED, textBlock } from "./result.ts";
import { requireChange, requireSeen } from "./scopes.ts";
import type { Services, ToolDeps } from "./services.ts";
import { previewWish } from "./shown-pictures.ts";
import { finishCall, waitForJob, waitSeconds } from "./starting.ts";
import { defineTool, type Tool } from "./tool.ts";
import { sentencesFor } from "./whereabouts.ts";

const PLAIN_ID = /^[\w.-]+$/;

const id = () => knownAs(z.string(), { reference: "id" });
const jobId = () => id().describe("From a start tool");

export function jobTools(deps: ToolDeps): Tool[] {
  return [jobStatus(deps), jobListTool(deps), jobCancel(deps), jobDelete(deps)];
}

function jobStatus(deps: ToolDeps): Tool {
  return defineTool(deps, {
    name: "job_status",
    title: "Job status and result",
    description:
      "Is it ready, done, finished? Progress of a job or request, how long it takes; its pictures and files once completed.",
    searchHint:
      "check on my image, look up job status, has it finished, did it complete, how is it coming along, when will it be ready, wait for the picture, progress of a generation, get or retrieve the result, still working, status of the request, poll",
    kind: "read",
    isViewed: true,
    input: () =>
      z.object({
        job_id: jobId().optional(),
        request_id: id().optional().describe("The provider's id; job_id attaches it"),
        wait_seconds: waitSeconds(deps.settings.maxWaitSeconds),
        redownload: z.boolean().optional().describe("Fetch missing files again"),
        previews: previewWish(),
      }),
    async run(input, call) {
      const services = await deps.services.get();
      const found = await findJob(deps, services, call.caller, input.job_id, input.request_id);
      const job = input.redownload ? await restored(services, found) : found;
      const { wait_seconds } = input;
      const look = () => waitForJob(deps, services, job, call, wait_seconds);
      // Of an ended job nothing is waited for.
      const waited = await services.waits.during(
        call.caller,
        isFinal(job.state) ? 0 : wait_seconds,
        look,
      );
      const { job: looked, note } = await settledByUser(deps, services, waited, call);
      const { previews } = input;
      return finishCall(deps, services, looked, call, { previews, note, isLook: true });
    },
  });
}

function jobCancel(deps: ToolDeps): Tool {
  return defineTool(deps, {
    name: "job_cancel",
    title: "Cancel a job",
    description: "Stop (abort) generating: a job not sent yet, or an answer of `longcat_chat`.",
    searchHint:
      "cancel or abort image generation, cancel my request, stop the chat answer, halt, interrupt a running job",
    kind: "change",
    input: () => z.object({ job_id: jobId() }),
    async run(input, call) {
      const services = await deps.services.get();
      const { jobId } = await changeable(services, call.caller, input.job_id);
      const cancellation = await services.jobs.cancel(call.caller.owner, jobId);
      const { say } = sentencesFor(call.caller, deps.settings);
      const text = await cancellationText(services, cancellation, deps.settings.sandbox);
      return [textBlock(say(text))];
    },
  });
}

function jobDelete(deps: ToolDeps): Tool {
  return defineTool(deps, {
    name: "job_delete",
    title: "Delete a job",
    description:
      "Delete (remove, erase) an ended job: its prompt and arguments are forgotten. What it cost still counts.",
    searchHint: "forget, remove from history, delete pictures, clean up",
    kind: "remove",
    input: () =>
      z.object({
        job_id: jobId(),
        files: knownAs(z.boolean().optional().describe("Its files too, not copies"), {
          elsewhere: "Its files too (default true)",
        }),
      }),
    async run({ job_id, files: given }, call) {
      const services = await deps.services.get();
      const { jobId } = await changeable(services, call.caller, job_id);
      // Elsewhere, nobody finds a file that no job leads to any more.
      const files = given ?? call.caller.isRemote;
      const { job, stuck } = await services.jobs.delete(call.caller.owner, jobId, files);
      const { nameOf } = sentencesFor(call.caller, deps.settings);
      return [textBlock(deletionText(job, files, stuck, nameOf))];
    },
  });
}

/** The status endpoint of the older API: other host, other ids, nothing to download by itself. */
export function legacyStatusTool(deps: ToolDeps): Tool {
  return defineTool(deps, {
    name: "longcat_image_legacy_status",
    title: "LongCat-Image: legacy API",
    description: "LongCat-Image jobs of the legacy API, by id.",
    kind: "read",
    input: () => z.object({ request_id: knownAs(z.string().min(1).max(200), { reference: "id" }) }),
    async run(input, { caller }) {
      const { adoption } = await deps.services.get();
      const report = await adoption.legacyStatus(caller.owner, input.request_id.trim());
      if (report.error) throw report.error;
      const progress =
        report.progress === undefined ? "" : ` (${Math.round(report.progress * 100)} %)`;
      const id = oneLine(input.request_id);
      // Only what looks like an id may begin a line of ours.
      const lines = [`${PLAIN_ID.test(id) ? id : `Request "${id}"`}: ${report.status}${progress}`];
      for (const url of report.mediaUrls.slice(0, MAX_LISTED)) lines.push(oneLine(url));
      if (report.status === "completed" && report.mediaUrls.length === 0) {
        lines.push("The provider names no file for it.");
      }
      return [textBlock(lines.join("\n"))];
    },
  });
}

async function findJob(
  { settings }: ToolDeps,
  services: Services,
  caller: Caller,
  jobIdGiven: string | undefined,
  requestId: string | undefined,
) {
  const { owner, isRemote, scopes } = caller;
  if (jobIdGiven !== undefined && requestId === undefined) {
    return seenJob(services, caller, jobIdGiven);
  }
  if (requestId === undefined) {
    throw new AppError("invalid_input", "Give `job_id` or `request_id`.");
  }
  // With a key that is shared, an id may be that of anybody's request.
  const isShared = isRemote && settings.keysDir === undefined;
  const mayAdopt = scopes.has("admin") || (!isShared && scopes.has("jobs:read"));
  if (!mayAdopt) {
    const job = await services.adoption.find(owner, requestId.trim());
    requireSeen(caller, job);
    return job;
  }
  return jobIdGiven === undefined
    ? services.adoption.findOrAdopt(owner, requestId.trim())
    : services.adoption.attach(owner, checkedJobId(jobIdGiven), requestId.trim());
}

/** What is missing of its files is there again, or is fetched from here on. */
async function restored({ jobs }: Services, { owner, jobId }: Job): Promise<Job> {
  return jobs.restore(await jobs.get(owner, jobId));
}

/** @throws {invalid_input | not_found | forbidden} */
async function changeable(services: Services, caller: Caller, given: string): Promise<Job> {
  const job = await seenJob(services, caller, given);
  requireChange(caller, job);
  return job;
}

/** @throws {invalid_input | not_found} */
async function seenJob({ jobs }: Services, caller: Caller, given: string): Promise<Job> {
  const job = await jobs.get(caller.owner, checkedJobId(given));
  requireSeen(caller, job);
  return job;
}

function checkedJobId(given: string): string {
  const id = readJobId(given);
  if (id !== undefined) return id;
  throw new AppError(
    "invalid_input",
    "`job_id` is `job_` and 26 letters or digits, as a start tool gives it; a provider's id goes into `request_id`.",
  );
}
