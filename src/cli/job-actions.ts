import { AppError } from "../core/errors.ts";
import { JOB_ID_PATTERN } from "../core/id-patterns.ts";
import { formatUsd } from "../core/money.ts";
import { oneLine, visibleJson } from "../core/text.ts";
import type { Job, WholeJob } from "../jobs/job.ts";
import type { JobStore } from "../jobs/job-store.ts";
import { settleByHand } from "../jobs/settling.ts";
import { viewJob } from "../jobs/view.ts";
import { nearMiss } from "../models/near-miss.ts";
import { JOB_ACTIONS } from "../settings/commands.ts";
import type { Settings } from "../settings/settings.ts";
import { exportedJobs } from "./exported-jobs.ts";
import { type DeletionOptions, deleteJobs, readDeletion } from "./job-deletions.ts";

const LISTED = 20;

export interface JobsCommandOptions {
  settings: Settings;
  /** Whose jobs. */
  owner: string;
  /** Milliseconds since the epoch. */
  now: number;
  write: (text: string) => void;
  /** Told how to close what was opened, should the process have to end before. */
  onOpen: (close: () => Promise<void>) => void;
}

/**
 * Looks at the jobs, settles uncertain ones and deletes ended ones, beside a running server or
 * without one.
 * @throws {invalid_input | not_found | storage}
 */
export async function runJobsCommand(
  words: readonly string[],
  wishes: DeletionOptions,
  options: JobsCommandOptions,
): Promise<void> {
  // Wrong words open nothing.
  const run = actionOf(words, wishes);
  const { openRecord } = await import("./user-record.ts");
  const stores = await openRecord(options.settings);
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= stores.close();
    return closing;
  };
  options.onOpen(close);
  try {
    await run(stores.jobs, options);
  } finally {
    await close();
  }
}

type Action = (store: JobStore, options: JobsCommandOptions) => Promise<void>;

function actionOf(
  [action = "list", jobId, verdict, ...rest]: readonly string[],
  wishes: DeletionOptions,
): Action {
  const isAlone = jobId === undefined;
  if (rest.length > 0) throw wrongUsage(action);
  if (action === "delete" && verdict === undefined) {
    const deletion = readDeletion(jobId, wishes);
    return (store, options) => deleteJobs(store, options, deletion);
  }
  if (wishes.withFiles || wishes.olderThan !== undefined) {
    throw new AppError("invalid_input", "--files and --older-than belong to `jobs delete`.");
  }
  if (action === "list" && isAlone) return list;
  if (action === "export" && isAlone) return exportAll;
  if (action === "show" && !isAlone && verdict === undefined) {
    return (store, options) => show(store, options, jobId);
  }
  if (action === "settle" && !isAlone && (verdict === "charged" || verdict === "not-charged")) {
    return (store, options) => settle(store, options, jobId, verdict);
  }
  throw wrongUsage(action);
}

async function list(store: JobStore, { owner, write }: JobsCommandOptions): Promise<void> {
  const { jobs } = await store.list({ owner, limit: LISTED });
  write(jobs.length === 0 ? "There are no jobs yet.\n" : jobs.map(line).join(""));
}

async function exportAll(store: JobStore, { owner, write }: JobsCommandOptions): Promise<void> {
  const all: unknown[] = [];
  for await (const one of exportedJobs(store, owner)) all.push(one.exported);
  write(`${visibleJson(all)}\n`);
}

async function show(
  store: JobStore,
  { owner, write }: JobsCommandOptions,
  jobId: string,
): Promise<void> {
  const job = await find(store, owner, jobId);
  const { input, warnings, mediaUrls } = job;
  const shown = { ...viewJob(job), input, warnings, media_urls: mediaUrls };
  write(`${visibleJson(shown)}\n`);
}

async function settle(
  store: JobStore,
  { owner, now, write }: JobsCommandOptions,
  jobId: string,
  verdict: "charged" | "not-charged",
): Promise<void> {
  await find(store, owner, jobId);
  const charge = verdict === "charged" ? "spent" : "none";
  const settled = await settleByHand(store, owner, jobId, charge, now);
  const said = settled.charge === "spent" ? "charged" : "not charged";
  write(`${jobId} is settled as ${said}. To correct that, settle it again.\n`);
}

async function find(store: JobStore, owner: string, jobId: string): Promise<WholeJob> {
  const job = JOB_ID_PATTERN.test(jobId) ? await store.get(owner, jobId) : undefined;
  if (!job) throw new AppError("not_found", `There is no job "${oneLine(jobId, 60)}".`);
  return job;
}

function line(job: Job): string {
  const time = new Date(job.createdAt).toISOString().slice(0, 16).replace("T", " ");
  const usd = job.costUsd ?? job.reservedUsd;
  const money = usd === null ? "price unknown" : formatUsd(usd);
  return `${time}  ${job.jobId}  ${job.state.padEnd(11)}  ${job.charge.padEnd(9)}  ${money.padEnd(13)}  ${job.operation}\n`;
}

function wrongUsage(action: string): AppError {
  const names = Object.keys(JOB_ACTIONS);
  const known = Object.entries(JOB_ACTIONS).find(([name]) => name === action);
  if (known) {
    return new AppError("invalid_input", `Usage: \`longcat-mcp jobs ${action}${known[1].words}\`.`);
  }
  const meant = nearMiss(action, names);
  const hint = meant ? `did you mean ${meant}?` : `there are ${names.join(", ")}.`;
  return new AppError(
    "invalid_input",
    `"${oneLine(action, 60)}" is nothing to do with jobs; ${hint}`,
  );
}
