import { uris } from "../core/uris.ts";
import type { Job, JobBody } from "../jobs/job.ts";
import { operationNamed } from "../models/catalogue.ts";

const MAX_LAYERS = 64;
/** Of a training, and of a job of which nobody here knows what it was asked for. */
const MAX_FILES = 16;
/** How many addresses of files that nobody asked for are remembered. */
const MAX_OTHER_URLS = 16;

/** How many pictures were asked for. */
export function imagesAsked(job: Pick<JobBody, "input">): number {
  const count = job.input["num_images"];
  return typeof count === "number" ? count : 1;
}

/** How many of the files that a provider names are fetched, at the most. */
export function filesWanted(
  job: Pick<Job & JobBody, "operation" | "fingerprint" | "input">,
): number {
  const media = operationNamed(job.operation)?.media;
  if (media === "layers") return MAX_LAYERS;
  // Without a fingerprint it was started elsewhere.
  return media === "images" && job.fingerprint !== null ? imagesAsked(job) : MAX_FILES;
}

/** What a job notes of the files that a provider names: those it wants, and that there are others. */
export function filesNamed(
  job: Job & Pick<JobBody, "input">,
  urls: readonly string[],
): Pick<Job, "mediaUrls" | "warnings"> {
  const wanted = filesWanted(job);
  const others = urls.length - wanted;
  const mediaUrls = urls.slice(0, wanted + MAX_OTHER_URLS);
  if (others <= 0) return { mediaUrls, warnings: job.warnings };
  const kept = others > MAX_OTHER_URLS ? `the addresses of ${MAX_OTHER_URLS}` : "their addresses";
  const warning = `The provider named ${others} more ${others === 1 ? "file" : "files"} than the ${wanted} that can be meant; they were not fetched, ${kept} are in ${uris.job(job.jobId)}.`;
  return { mediaUrls, warnings: [...job.warnings, warning] };
}
