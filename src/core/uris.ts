import { JOB_ID_PATTERN, THREAD_ID_PATTERN, TOKEN_PATTERN } from "./id-patterns.ts";

/*
 * Addresses of what the server offers to read. They are made and taken apart here only: what an
 * answer names must be what a later call understands.
 */

const SCHEME = "longcat://";
const MEDIUM_PATH = /^media\/(\w{1,64})\/([1-9]\d{0,3})(?:\/preview)?$/;

/** As resource templates, which are also what texts show as examples. */
export const URI_TEMPLATES = {
  job: `${SCHEME}jobs/{job_id}`,
  medium: `${SCHEME}media/{job_id}/{index}`,
  preview: `${SCHEME}media/{job_id}/{index}/preview`,
  thread: `${SCHEME}threads/{thread_id}`,
  upload: `${SCHEME}uploads/{id}`,
  model: `${SCHEME}models/{operation}`,
} as const;

/** The page that hosts with MCP Apps show beside an answer. */
export const VIEWER_URI = "ui://longcat/viewer";

/** Where few words have to do: any finished file. */
export const ANY_MEDIUM = `${SCHEME}media/…`;
export const ANY_UPLOAD = `${SCHEME}uploads/…`;

export const uris = {
  job: (jobId: string) => `${SCHEME}jobs/${jobId}`,
  medium: (jobId: string, index: number) => `${SCHEME}media/${jobId}/${index}`,
  preview: (jobId: string, index: number) => `${SCHEME}media/${jobId}/${index}/preview`,
  upload: (uploadId: string) => `${SCHEME}uploads/${uploadId}`,
  thread: (threadId: string) => `${SCHEME}threads/${threadId}`,
  model: (operation: string) => `${SCHEME}models/${operation}`,
};

/** What an address of ours names, as far as it can be given to a tool. */
export type Named =
  | { kind: "job"; jobId: string }
  | { kind: "medium"; jobId: string; index: number }
  | { kind: "thread"; threadId: string }
  | { kind: "upload"; uploadId: string };

/** What kind of things an address of ours is among, existing or not: `jobs`, `media`, `threads`, … */
export function roomOf(text: string): string | undefined {
  return /^([a-z]+)/.exec((pathOf(text) ?? "").toLowerCase())?.[1];
}

/** Whether a text means something of ours, well formed or not. */
export function isOurUri(text: string): boolean {
  return /^longcat:/i.test(text.trim());
}

/** @returns `undefined` for what names no job, file, thread or upload. */
export function readUri(text: string): Named | undefined {
  const path = pathOf(text);
  if (path === undefined) return undefined;
  const [, fileOf, index] = MEDIUM_PATH.exec(path) ?? [];
  if (fileOf !== undefined) {
    return JOB_ID_PATTERN.test(fileOf)
      ? { kind: "medium", jobId: fileOf, index: Number(index) }
      : undefined;
  }
  const [, room, id = ""] = /^(jobs|threads|uploads)\/(\w{1,64})$/.exec(path) ?? [];
  if (room === "jobs" && JOB_ID_PATTERN.test(id)) return { kind: "job", jobId: id };
  if (room === "threads" && THREAD_ID_PATTERN.test(id)) return { kind: "thread", threadId: id };
  if (room === "uploads" && TOKEN_PATTERN.test(id)) return { kind: "upload", uploadId: id };
  return undefined;
}

/** The id of a job, given as such or as its address. */
export function readJobId(text: string): string | undefined {
  const named = readUri(text);
  const id = named?.kind === "job" ? named.jobId : text.trim();
  return JOB_ID_PATTERN.test(id) ? id : undefined;
}

/** The id of a thread, given as such or as its address. */
export function readThreadId(text: string): string | undefined {
  const named = readUri(text);
  const id = named?.kind === "thread" ? named.threadId : text.trim();
  return THREAD_ID_PATTERN.test(id) ? id : undefined;
}

function pathOf(text: string): string | undefined {
  const trimmed = text.trim();
  const hasScheme = trimmed.slice(0, SCHEME.length).toLowerCase() === SCHEME;
  return hasScheme ? trimmed.slice(SCHEME.length) : undefined;
}
