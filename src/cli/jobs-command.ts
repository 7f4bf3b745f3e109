import { AppError } from "../core/errors.ts";
import { JOB_ID_PATTERN } from "../core/id-patterns.ts";
import { formatUsd } from "../core/money.ts";
import { countedUsd } from "../jobs/budget.ts";
import type { Job, WholeJob } from "../jobs/job.ts";
import type { JobStore } from "../jobs/store.ts";
import { viewJob } from "../jobs/view.ts";
import type { Settings } from "../settings/settings.ts";

const LISTED = 20;
const PAGE = 100;

export const JOBS_USAGE =
  "longcat-mcp jobs [list | show <job_id> | export | settle <job_id> charged|not-charged]";

export interface JobsCommandOptions {
  settings: Settings;
  /** Whose jobs. */
  owner: string;
  /** Milliseconds since the epoch. */
  now: number;
  write: (text: string) => void;
}

/**
 * Looks at the jobs and settles uncertain ones, beside a running server or without one.
 * @throws {invalid_input | not_found | storage}
 */
export async function runJobsCommand(
  words: readonly string[],
  options: JobsCommandOptions,
): Promise<void> {
  const { SqliteJobStore } = await import("../jobs/sqlite.ts");
  const store = new SqliteJobStore(options.settings.dataDir);
  try {
    await run(store, words, options);
  } finally {
    await store.close();
  }
}

async function run(
  store: JobStore,
  [action = "list", jobId, verdict, ...rest]: readonly string[],
  { owner, now, write }: JobsCommandOptions,
): Promise<void> {
  if (rest.length > 0) throw wrongUsage();
  if (action === "list" && jobId === undefined) {
    const { jobs } = await store.list({ owner, limit: LISTED });
    write(jobs.length === 0 ? "There are no jobs yet.\n" : jobs.map(line).join(""));
  } else if (action === "export" && jobId === undefined) {
    write(`${JSON.stringify(await allJobs(store, owner), undefined, 2)}\n`);
  } else if (action === "show" && jobId !== undefined && verdict === undefined) {
    const job = await find(store, owner, jobId);
    const { input, warnings, mediaUrls } = job;
    const shown = { ...viewJob(job), input, warnings, media_urls: mediaUrls };
    write(`${JSON.stringify(shown, undefined, 2)}\n`);
  } else if (action === "settle" && jobId !== undefined && verdict !== undefined) {
    const { charge } = await settle(store, await find(store, owner, jobId), verdict, now);
    const settled = charge === "spent" ? "charged" : "not charged";
    write(`${jobId} is settled as ${settled}. To correct that, settle it again.\n`);
  } else {
    throw wrongUsage();
  }
}

async function settle(store: JobStore, job: Job, verdict: string, now: number): Promise<Job> {
  if (verdict !== "charged" && verdict !== "not-charged") throw wrongUsage();
  const { owner, jobId } = job;
  const settled = await store.settle(owner, jobId, verdict === "charged" ? "spent" : "none", now);
  if (settled) return settled;
  const { state, charge } = await find(store, owner, jobId);
  throw new AppError(
    "invalid_input",
    `${jobId} is not in doubt: it is ${state} and its charge is "${charge}". Nothing was changed.`,
  );
}

async function find(store: JobStore, owner: string, jobId: string): Promise<WholeJob> {
  const job = JOB_ID_PATTERN.test(jobId) ? await store.get(owner, jobId) : undefined;
  if (!job) throw new AppError("not_found", `There is no job "${jobId}".`);
  return job;
}

async function allJobs(store: JobStore, owner: string): Promise<unknown[]> {
  const all: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ owner, limit: PAGE, cursor });
    for (const { jobId } of page.jobs) {
      const job = await store.get(owner, jobId);
      if (job) all.push(exported(job));
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return all;
}

/** A job with the money that it stands for, so that an export adds up to what `spending` says. */
function exported(job: WholeJob): Record<string, unknown> {
  const { reservedUsd, input } = job;
  return { ...viewJob(job), reserved_usd: reservedUsd, counted_usd: countedUsd(job), input };
}

function line(job: Job): string {
  const time = new Date(job.createdAt).toISOString().slice(0, 16).replace("T", " ");
  const usd = job.costUsd ?? job.reservedUsd;
  const money = usd === null ? "price unknown" : formatUsd(usd);
  return `${time}  ${job.jobId}  ${job.state.padEnd(11)}  ${job.charge.padEnd(9)}  ${money.padEnd(13)}  ${job.operation}\n`;
}

function wrongUsage(): AppError {
  return new AppError("invalid_input", `Usage: ${JOBS_USAGE}`);
}
