import { isAbsolute } from "node:path";
import * as z from "zod";
import { message } from "../core/text.ts";
import { uris } from "../core/uris.ts";
import { isFinal, type Job, type Medium, type WholeJob } from "./job.ts";

/** A job as clients see it in its own resource. */
export const jobViewSchema = z.looseObject({
  job_id: z.string(),
  operation: z.string(),
  state: z.string(),
  charge: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  request_id: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
  completed_at: z.string().nullable(),
  cost_usd: z.number().nullable(),
  error: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
  media: z.array(z.looseObject({ uri: z.string(), mime_type: z.string() })),
});

export type JobView = z.output<typeof jobViewSchema>;

/** What depends on when a job is looked at, and from where. */
export interface Standpoint {
  /** Whether an address may still lead to a file; others are not told. */
  isServed(url: string): boolean;
  /** Where whoever looks gets a file, as fields of its view. */
  placeOf(medium: Medium): { path?: string | null; download_url?: string };
}

/** Whoever runs the program, to whom a key in a bucket is no path either. */
const HERE: Standpoint = {
  isServed: () => true,
  placeOf: ({ path }) => ({ path: isAbsolute(path) ? path : null }),
};

export function viewJob(job: WholeJob, from: Standpoint = HERE): JobView {
  return {
    job_id: job.jobId,
    operation: job.operation,
    state: job.state,
    charge: job.charge,
    arguments: argumentsOf(job),
    request_id: job.requestId,
    created_at: iso(job.createdAt),
    updated_at: iso(job.updatedAt),
    completed_at: job.completedAt === null ? null : iso(job.completedAt),
    cost_usd: job.costUsd,
    error: job.error && { code: job.error.code, message: message(job.error.message) },
    media: job.media.map((medium) => viewMedium(job.jobId, medium, from)),
    ...otherUrls(job, from.isServed),
    ...(job.warnings.length > 0 ? { warnings: job.warnings.map(message) } : {}),
  };
}

/**
 * What a job was started with: as it was called, pictures by reference and never by their bytes. A
 * call with the same does the same.
 */
export function argumentsOf({ input, saveTo }: WholeJob): Record<string, unknown> {
  return { ...input, ...(saveTo === null ? {} : { save_to: saveTo }) };
}

/** Where files were named that are not here. */
function otherUrls(
  { state, media, mediaUrls }: Job,
  isServed: (url: string) => boolean,
): { other_urls?: string[] } {
  const fetched = media.map(({ url }) => url);
  const others = mediaUrls.filter((url) => !fetched.includes(url) && isServed(url));
  return isFinal(state) && others.length > 0 ? { other_urls: others } : {};
}

function viewMedium(jobId: string, medium: Medium, { isServed, placeOf }: Standpoint) {
  const { role, url } = medium;
  return {
    uri: uris.medium(jobId, medium.index),
    ...(role === undefined ? {} : { role }),
    ...(role === undefined && isServed(url) ? { url } : {}),
    ...placeOf(medium),
    mime_type: medium.mimeType,
    ...(medium.width === undefined ? {} : { width: medium.width, height: medium.height }),
    size_bytes: medium.sizeBytes,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
