import { statSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { byteCount } from "../core/text.ts";
import { HOSTED_PATH, type HostedFolder } from "./hosted-folder.ts";

const SWEEP_MS = 3_600_000;
/** How long what nobody speaks for is kept: files of an earlier version, or of a machine elsewhere. */
export const UNCLAIMED_MS = 24 * 3_600_000;

/** Bytes that have been read and written down, and are not served yet. */
export interface StagedFile {
  name: string;
  /** Where the provider will find them once their job is about to be sent. */
  url: string;
  sha256: string;
  sizeBytes: number;
  path: string;
}

/** Bytes in, a public URL out: for whoever reads a caller's files. */
export interface Hosting {
  /** Whether there is a public address at all. */
  readonly isAvailable: boolean;
  /**
   * @param extension of the file's type, which the URL ends with.
   * @throws {configuration} when there is no public address
   * @throws {storage} when it cannot be written or is more than may be hosted
   * @throws {invalid_input} when the content breaks off
   */
  stage(content: Buffer | Readable, extension: string): Promise<StagedFile>;
  /** Forgets what was staged for a job that did not come to be. */
  discard(files: readonly StagedFile[]): Promise<void>;
}

/** The hosted files of a job, from its record to its end. */
export interface JobFiles {
  /**
   * Notes what a job that is about to be recorded will need.
   * @throws {storage} above the quota
   * @throws {configuration} when nothing can listen at the public port
   */
  reserve(jobId: string, files: readonly StagedFile[]): Promise<void>;
  /**
   * Serves a job's files from now on.
   * @param wire what is about to be sent, with the addresses that were promised.
   * @throws {storage} when one of them is gone
   * @throws {configuration} when nothing serves them at the promised address any more
   */
  publish(jobId: string, wire: unknown): Promise<void>;
  /** Ends that, for files that no other job needs. Never fails: what stays is swept later. */
  release(jobId: string): Promise<void>;
}

/** A file that a job needs. */
export interface NeededFile {
  name: string;
  sizeBytes: number;
}

/** What a claim comes to: the bytes that were needed already, and those that it would add. */
export interface Claimed {
  isNoted: boolean;
  usedBytes: number;
  addedBytes: number;
}

/**
 * Which job needs which file, as the store knows it. Each operation is one transaction, so that of
 * several processes on one folder none removes a file that another just counts on. What is done to
 * the folder is handed in and done within the transaction, before it is durable: it must be quick,
 * and where it throws, nothing has changed in the record.
 */
export interface HostingRecord {
  /**
   * Notes what a job needs, unless all that jobs need would then be more than `maxBytes`, each
   * content counted once.
   */
  claim(
    jobId: string,
    files: readonly StagedFile[],
    maxBytes: number,
    place: (file: StagedFile) => void,
  ): Promise<Claimed>;
  filesOf(jobId: string): Promise<NeededFile[]>;
  /** Does something with each file that a job still needs. */
  eachNeeded(jobId: string, use: (file: NeededFile) => void): Promise<void>;
  /** Forgets what a job needs. @param remove for what nobody needs any more. */
  release(jobId: string, remove: (name: string) => void): Promise<void>;
  /** @param remove for those of the names that nobody needs. */
  clear(names: readonly string[], remove: (name: string) => void): Promise<void>;
  /** Jobs whose files are recorded and that need them no more. */
  overdue(): Promise<string[]>;
}

export interface PublicAddress {
  /** Without a trailing slash. */
  url: string;
  /** Makes sure that something of ours listens there. @throws {configuration} */
  require(): Promise<void>;
}

export interface HostingOptions {
  folder: HostedFolder;
  record: HostingRecord;
  /** `undefined` where none is set. */
  address: PublicAddress | undefined;
  /** The most that may be hosted at a time. */
  maxBytes: number;
  isGone: (holder: string) => boolean;
  clock: Clock;
  log: Log;
}

/** This server as the host of its own files. */
export class OwnHosting implements Hosting, JobFiles {
  readonly #options: HostingOptions;
  #stagingBytes = 0;
  #callOff = () => {};

  constructor(options: HostingOptions) {
    this.#options = options;
  }

  get isAvailable(): boolean {
    return this.#options.address !== undefined;
  }

  /** Removes what is left over, now and every hour. */
  async open(): Promise<void> {
    this.#callOff = this.#options.clock.schedule(SWEEP_MS, () => void this.open());
    await this.sweep();
  }

  close(): void {
    this.#callOff();
  }

  async stage(content: Buffer | Readable, extension: string): Promise<StagedFile> {
    const { folder, address, maxBytes } = this.#options;
    if (!address) {
      throw new AppError("configuration", "This server has no public address for files.");
    }
    let counted = 0;
    try {
      const written = await folder.write(content, (sizeBytes) => {
        this.#stagingBytes += sizeBytes - counted;
        counted = sizeBytes;
        if (this.#stagingBytes > maxBytes) throw overQuota(sizeBytes, maxBytes);
      });
      const name = folder.nameFor(written.sha256, extension);
      return { ...written, name, url: address.url + HOSTED_PATH + name };
    } finally {
      this.#stagingBytes -= counted;
    }
  }

  async discard(files: readonly StagedFile[]): Promise<void> {
    for (const { path } of files) await unlink(path).catch(() => undefined);
  }

  async reserve(jobId: string, files: readonly StagedFile[]): Promise<void> {
    if (files.length === 0) return;
    const { folder, record, address, maxBytes } = this.#options;
    await address?.require();
    const place = ({ path, name }: StagedFile) => orStorage(() => folder.makeReady(path, name));
    const first = await record.claim(jobId, files, maxBytes, place);
    if (first.isNoted) return;
    await this.sweep();
    const { isNoted, usedBytes, addedBytes } = await record.claim(jobId, files, maxBytes, place);
    if (!isNoted) throw overQuota(addedBytes, maxBytes, usedBytes);
  }

  async publish(jobId: string, wire: unknown): Promise<void> {
    const { folder, record, address } = this.#options;
    const files = await record.filesOf(jobId);
    if (files.length === 0) return;
    // The job may have been recorded by a process with another public address, or another port.
    const sent = JSON.stringify(wire);
    const isPromised = ({ name }: { name: string }) =>
      address !== undefined && sent.includes(JSON.stringify(address.url + HOSTED_PATH + name));
    if (!files.every(isPromised)) {
      throw new AppError(
        "configuration",
        "The public address of this server has changed since the job was recorded, so the provider could not fetch its files.",
        { next: "Make the same call again; nothing was sent." },
      );
    }
    await address?.require();
    // What it still needs: the job may have been cancelled meanwhile.
    await record.eachNeeded(jobId, ({ name, sizeBytes }) => {
      if (folder.stage(name) === "ready") orStorage(() => folder.serve(name));
      const found = statSync(join(folder.path, name), { throwIfNoEntry: false });
      if (found?.size !== sizeBytes) {
        throw new AppError("storage", "A file that the provider was to fetch is gone.", {
          next: "Make the same call again; nothing was sent.",
        });
      }
    });
  }

  async release(jobId: string): Promise<void> {
    const { folder, record, log } = this.#options;
    try {
      await record.release(jobId, (name) => folder.remove(name));
    } catch (error) {
      log.error({ job: jobId, err: error }, "a hosted file was not removed");
    }
  }

  /** Removes files of jobs that have ended, and what nobody has finished or speaks for. */
  async sweep(): Promise<void> {
    const { folder, record, clock, isGone, log } = this.#options;
    try {
      for (const jobId of await record.overdue()) await this.release(jobId);
      const now = clock.now();
      const written = new Map(folder.names().map(({ name, writtenMs }) => [name, writtenMs]));
      await record.clear([...written.keys()], (name) => {
        const isOld = now - (written.get(name) ?? now) > UNCLAIMED_MS;
        if (folder.stage(name) === "ready" || isOld) folder.remove(name);
      });
      folder.sweepStaging(isGone, now, UNCLAIMED_MS);
    } catch (error) {
      log.error({ err: error }, "hosted files were not swept");
    }
  }
}

function orStorage(work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new AppError("storage", "A file for the provider could not be moved into place.", {
      cause: error,
      next: "Make the same call again; nothing was sent.",
    });
  }
}

function overQuota(addedBytes: number, maxBytes: number, usedBytes = 0): AppError {
  const used = usedBytes === 0 ? "" : `, and running jobs need ${byteCount(usedBytes)} already`;
  return new AppError(
    "storage",
    `The files for the provider have ${byteCount(addedBytes)}${used}: more than the ${byteCount(maxBytes)} that may be hosted at a time.`,
    {
      next: "Wait until running jobs have ended, send less, give a public https URL instead, or ask the user to raise LONGCAT_MCP_HOSTED_BYTES; nothing was sent.",
    },
  );
}
