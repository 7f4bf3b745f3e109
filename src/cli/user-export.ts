import { copyFile, mkdir, open, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ThreadStore } from "../chat/thread-store.ts";
import { AppError } from "../core/errors.ts";
import { oneLine, visibleJson } from "../core/text.ts";
import type { ReceivedFile, Upload } from "../inputs/upload-record.ts";
import { UPLOADS_FOLDER } from "../inputs/uploads.ts";
import type { WholeJob } from "../jobs/job.ts";
import { nameOf } from "../media/media-store.ts";
import { openCommandMedia } from "./command-media.ts";
import { exportedJobs } from "./exported-jobs.ts";
import { listedUser } from "./user-list.ts";
import { findUser } from "./user-named.ts";
import type { UserOrder } from "./user-options.ts";
import type { UserSurroundings } from "./user-record.ts";

const PAGE = 100;
const LINES = "export.jsonl";
const FILES = "files";

/** Where an export goes. */
interface Target {
  line(value: Record<string, unknown>): Promise<void>;
  /** Brings an uploaded file along. @returns its name there. */
  upload(upload: Upload & { received: ReceivedFile }): Promise<{ copy?: string }>;
  /** Brings a job's finished files along. @returns their names there, and what cannot be had. */
  files(job: WholeJob): Promise<{ files?: string[]; missing?: string[] }>;
  close(): Promise<void>;
}

/** Writes all that is a user's: user, jobs, conversations, turns, uploads, a JSON object a line. */
export async function exportUser(
  { who, to }: UserOrder,
  surroundings: UserSurroundings,
): Promise<void> {
  const { users, stores, now, say } = surroundings;
  const user = await findUser(users, who);
  const owner = user.userId;
  const target =
    to === undefined ? onStdout(surroundings) : await inFolder(to, owner, surroundings);
  try {
    await target.line({ kind: "user", ...listedUser(user, now) });
    const { threads } = stores;
    for await (const { job, exported } of exportedJobs(stores.jobs, owner)) {
      const said = job.threadId === null ? {} : await saidIn(threads, job);
      await target.line({ kind: "job", ...exported, ...said, ...(await target.files(job)) });
    }
    for await (const thread of threadsOf(threads, owner)) await target.line(thread);
    for (const upload of await stores.uploads.received(owner)) {
      await target.line({ ...exportedUpload(upload), ...(await target.upload(upload)) });
    }
  } finally {
    await target.close();
  }
  if (to !== undefined) say(`All that is ${oneLine(who, 80)}'s is in ${oneLine(resolve(to))}.`);
}

async function saidIn(threads: ThreadStore, { owner, jobId, threadId }: WholeJob) {
  const { answer, reasoning } = await threads.said(owner, jobId);
  return { thread_id: threadId, answer, reasoning };
}

async function* threadsOf(
  threads: ThreadStore,
  owner: string,
): AsyncGenerator<Record<string, unknown>> {
  let cursor: string | undefined;
  do {
    const page = await threads.list(owner, PAGE, cursor);
    for (const { threadId, title, createdAt, updatedAt } of page.threads) {
      const files = await threads.files(owner, threadId);
      yield {
        kind: "thread",
        thread_id: threadId,
        title,
        created_at: new Date(createdAt).toISOString(),
        updated_at: new Date(updatedAt).toISOString(),
        files: files.map(({ name, sizeBytes }) => ({ name, size_bytes: sizeBytes })),
      };
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

function exportedUpload({ uploadId, filename, received }: Upload & { received: ReceivedFile }) {
  return {
    kind: "upload",
    upload_id: uploadId,
    name: filename ?? null,
    mime_type: received.mimeType,
    size_bytes: received.sizeBytes,
    sha256: received.sha256,
    received_at: new Date(received.receivedAt).toISOString(),
  };
}

function onStdout({ write }: UserSurroundings): Target {
  return {
    line: async (value) => write(lineOf(value)),
    upload: async () => ({}),
    files: async () => ({}),
    close: async () => undefined,
  };
}

/** @throws {invalid_input} for a folder with anything in it. @throws {storage} */
async function inFolder(
  to: string,
  owner: string,
  { settings }: UserSurroundings,
): Promise<Target> {
  const folder = resolve(to);
  await orStorage(folder, () => mkdir(join(folder, FILES), { recursive: true, mode: 0o700 }));
  const others = (await orStorage(folder, () => readdir(folder))).filter((name) => name !== FILES);
  const before = await readdir(join(folder, FILES));
  if (others.length > 0 || before.length > 0) {
    throw new AppError(
      "invalid_input",
      `${oneLine(folder)} is not empty: --to takes a new or an empty folder. Nothing was exported.`,
    );
  }
  const lines = await orStorage(folder, () => open(join(folder, LINES), "wx", 0o600));
  const stored = await openCommandMedia(settings);
  const { media } = stored;
  return {
    async line(value) {
      await orStorage(folder, () => lines.writeFile(lineOf(value)));
    },
    async upload({ uploadId, received: { file, extension } }) {
      const path = join(settings.dataDir, UPLOADS_FOLDER, file);
      const copy = `upload-${uploadId.slice(-8)}.${extension}`;
      await orStorage(folder, () => copyFile(path, join(folder, FILES, copy)));
      return { copy: `${FILES}/${copy}` };
    },
    async files(job) {
      const files: string[] = [];
      const missing: string[] = [];
      for (const { path: ref } of job.media) {
        const name = nameOf(ref);
        if (!(await media.stat(owner, ref))) missing.push(name);
        else {
          // Names have their job's id, but a day has a folder: two may be called the same.
          const free = `${job.jobId.slice(-8)}-${name}`;
          const content = await media.open(owner, ref);
          await orStorage(folder, async () => {
            const copy = await open(join(folder, FILES, free), "wx", 0o600);
            await pipeline(content, copy.createWriteStream());
          });
          files.push(`${FILES}/${free}`);
        }
      }
      return { files, ...(missing.length > 0 ? { missing } : {}) };
    },
    async close() {
      await lines.close();
      await stored.close();
    },
  };
}

function lineOf(value: Record<string, unknown>): string {
  return `${visibleJson(value, 0)}\n`;
}

async function orStorage<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError("storage", `${oneLine(folder)} cannot be written: ${oneLine(reason)}.`, {
      cause: error,
      next: "Choose another folder with --to.",
    });
  }
}
