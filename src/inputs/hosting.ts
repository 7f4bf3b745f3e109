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
  /** Ends that, for files that no other job needs. */
  release(jobId: string): void;
}

/** Which job needs which file, as the store knows it. */
export interface HostingRecord {
  /** Runs `work` while no other process changes the record or, by our custom, the folder. */
  exclusively<T>(work: () => T): T;
  add(jobId: string, files: readonly StagedFile[]): void;
  remove(jobId: string): void;
  filesOf(jobId: string): { name: string; sizeBytes: number }[];
  isNeeded(name: string): boolean;
  /** The bytes of all files that jobs need, each content counted once. */
  usedBytes(): number;
  /** Jobs whose files are recorded and that need them no more. */
  overdue(): string[];
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
  open(): void {
    this.sweep();
    this.#callOff = this.#options.clock.schedule(SWEEP_MS, () => this.open());
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
    const addedBytes = () => {
      const added = new Map(files.map(({ name, sizeBytes }) => [name, sizeBytes]));
      for (const name of added.keys()) if (record.isNeeded(name)) added.delete(name);
      return [...added.values()].reduce((sum, one) => sum + one, 0);
    };
    if (record.usedBytes() + addedBytes() > maxBytes) this.sweep();
    record.exclusively(() => {
      const used = record.usedBytes();
      const added = addedBytes();
      if (used + added > maxBytes) throw overQuota(added, maxBytes, used);
      for (const { path, name } of files) orStorage(() => folder.makeReady(path, name));
      record.add(jobId, files);
    });
  }

  async publish(jobId: string, wire: unknown): Promise<void> {
    const { folder, record, address } = this.#options;
    const files = record.filesOf(jobId);
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
    record.exclusively(() => {
      // Asked again: the job may have been cancelled meanwhile.
      for (const { name, sizeBytes } of record.filesOf(jobId)) {
        if (folder.stage(name) === "ready") orStorage(() => folder.serve(name));
        const found = statSync(join(folder.path, name), { throwIfNoEntry: false });
        if (found?.size !== sizeBytes) {
          throw new AppError("storage", "A file that the provider was to fetch is gone.", {
            next: "Make the same call again; nothing was sent.",
          });
        }
      }
    });
  }

  release(jobId: string): void {
    const { folder, record, log } = this.#options;
    try {
      if (record.filesOf(jobId).length === 0) return;
      record.exclusively(() => {
        const names = record.filesOf(jobId).map(({ name }) => name);
        record.remove(jobId);
        // Before the commit: a file that stays is still spoken for, and the next sweep tries again.
        for (const name of names) if (!record.isNeeded(name)) folder.remove(name);
      });
    } catch (error) {
      log.error({ job: jobId, err: error }, "a hosted file was not removed");
    }
  }

  /** Removes files of jobs that have ended, and what nobody has finished or speaks for. */
  sweep(): void {
    const { folder, record, clock, isGone, log } = this.#options;
    try {
      for (const jobId of record.overdue()) this.release(jobId);
      const now = clock.now();
      record.exclusively(() => {
        for (const { name, writtenMs } of folder.names()) {
          if (record.isNeeded(name)) continue;
          if (folder.stage(name) === "ready" || now - writtenMs > UNCLAIMED_MS) folder.remove(name);
        }
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
