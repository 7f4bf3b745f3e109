import * as z from "zod";
import { ERROR_RULES, type ErrorCode } from "../../core/errors.ts";
import {
  CHARGES,
  JOB_STATES,
  type Job,
  type JobBody,
  MEDIUM_ROLES,
  UNFINISHED_STATES,
  type WholeJob,
} from "../../jobs/job.ts";
import type { ListedJob } from "../../jobs/job-store.ts";

/**
 * As SQL: the states of jobs that somebody must follow. Written as the index on them is, because
 * a database may use that for nothing else.
 */
export const UNFINISHED = `state IN (${UNFINISHED_STATES.map((state) => `'${state}'`).join(", ")})`;
/** What another may go on with at any moment: of what is just being sent, nobody else knows whether it was. */
export const LEAVABLE = "state IN ('queued', 'running', 'downloading')";
/** As SQL: what has been spent, or may have been, whether or not the jobs are still there. */
export const CHARGED_JOBS = `(
  SELECT owner, operation, created_at, charge, reserved_usd, cost_usd FROM jobs UNION ALL
  SELECT owner, operation, created_at, charge, reserved_usd, cost_usd FROM deleted_jobs)`;

/** How much of a prompt is read for lists: more than any of them shows. */
export const LISTED_PROMPT_CHARACTERS = 400;
/** How many jobs an answer mentions at once: it stays readable, and the others are in the next one. */
export const UNTOLD_AT_ONCE = 20;

/** What databases take and give. */
export type Column = string | number | null;

/** A column that holds JSON. */
export const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);
const flag = z.number().transform((value) => value !== 0);
const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_RULES, code);

export const mediumSchema = z.object({
  index: z.number(),
  role: z.enum(MEDIUM_ROLES).exactOptional(),
  url: z.string(),
  path: z.string(),
  mimeType: z.string(),
  width: z.number().exactOptional(),
  height: z.number().exactOptional(),
  sizeBytes: z.number(),
  sha256: z.string(),
  copies: z.array(z.string()),
});

const jobRow = z
  .object({
    job_id: z.string(),
    owner: z.string(),
    operation: z.string(),
    thread_id: z.string().nullable(),
    base_url: z.string(),
    save_to: z.string().nullable(),
    state: z.enum(JOB_STATES),
    charge: z.enum(CHARGES),
    request_id: z.string().nullable(),
    upstream_status: z.string().nullable(),
    created_at: z.number(),
    updated_at: z.number(),
    accepted_at: z.number().nullable(),
    completed_at: z.number().nullable(),
    delivered_at: z.number().nullable(),
    fingerprint: z.string().nullable(),
    idempotency_key: z.string().nullable(),
    reserved_usd: z.number().nullable(),
    cost_usd: z.number().nullable(),
    error: json(z.object({ code: z.string().refine(isErrorCode), message: z.string() })).nullable(),
    media_urls: json(z.array(z.string())),
    media: json(z.array(mediumSchema)),
    warnings: json(z.array(z.string())),
    warnings_told: z.number(),
    orphaned: flag,
  })
  .transform(
    (row): Job => ({
      jobId: row.job_id,
      owner: row.owner,
      operation: row.operation,
      threadId: row.thread_id,
      baseUrl: row.base_url,
      saveTo: row.save_to,
      state: row.state,
      charge: row.charge,
      requestId: row.request_id,
      upstreamStatus: row.upstream_status,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      acceptedAt: row.accepted_at,
      completedAt: row.completed_at,
      deliveredAt: row.delivered_at,
      fingerprint: row.fingerprint,
      idempotencyKey: row.idempotency_key,
      reservedUsd: row.reserved_usd,
      costUsd: row.cost_usd,
      error: row.error,
      mediaUrls: row.media_urls,
      media: row.media,
      warnings: row.warnings,
      warningsTold: row.warnings_told,
      orphaned: row.orphaned,
    }),
  );

const promptRow = z.object({ prompt: z.string().nullable() });
const bodyRow = z.object({
  input: json(z.record(z.string(), z.unknown())),
  wire: json(z.record(z.string(), z.unknown())).nullable(),
});

/** A row of `jobs`. */
export function readRow(row: unknown): Job {
  return jobRow.parse(row);
}

/** A row of `jobs` with the beginning of its prompt. */
export function readListed(row: unknown): ListedJob {
  return { ...readRow(row), ...promptRow.parse(row) };
}

/** A row of `jobs` joined with that of `job_bodies`. */
export function readWholeRow(row: unknown): WholeJob {
  // Where one is spread and more is added to it, V8 keeps a shape for each single object.
  return Object.assign(readRow(row), bodyRow.parse(row));
}

/** The columns of `jobs` for the fields that are given; unset ones are left alone. */
export function columnsOf(job: Partial<Job>): Record<string, Column> {
  return withoutUnset({
    job_id: job.jobId,
    owner: job.owner,
    operation: job.operation,
    thread_id: job.threadId,
    base_url: job.baseUrl,
    save_to: job.saveTo,
    state: job.state,
    charge: job.charge,
    request_id: job.requestId,
    upstream_status: job.upstreamStatus,
    created_at: job.createdAt,
    updated_at: job.updatedAt,
    accepted_at: job.acceptedAt,
    completed_at: job.completedAt,
    delivered_at: job.deliveredAt,
    fingerprint: job.fingerprint,
    idempotency_key: job.idempotencyKey,
    reserved_usd: job.reservedUsd,
    cost_usd: job.costUsd,
    error: asJson(job.error),
    media_urls: asJson(job.mediaUrls),
    media: asJson(job.media),
    warnings: asJson(job.warnings),
    warnings_told: job.warningsTold,
    orphaned: job.orphaned === undefined ? undefined : Number(job.orphaned),
  });
}

/** As {@link columnsOf}, for `job_bodies`. */
export function bodyColumnsOf(job: Partial<JobBody>): Record<string, Column> {
  return withoutUnset({ input: asJson(job.input), wire: asJson(job.wire) });
}

function withoutUnset(columns: Record<string, Column | undefined>): Record<string, Column> {
  return Object.fromEntries(
    Object.entries(columns).filter((entry): entry is [string, Column] => entry[1] !== undefined),
  );
}

function asJson(value: object | null | undefined): string | null | undefined {
  return value === null || value === undefined ? value : JSON.stringify(value);
}

/** As SQL: a mark for each of some values. */
export function marks(values: readonly unknown[]): string {
  return values.map(() => "?").join(", ");
}

/** As SQL: what sets some columns. */
export function assignments(columns: Record<string, Column>): string {
  return Object.keys(columns)
    .map((name) => `${name} = ?`)
    .join(", ");
}
