import { unlink } from "node:fs/promises";
import type { Readable } from "node:stream";
import { type Clock, DAY_MS, HOUR_MS } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { HOSTED_PATH, type HostedFolder } from "./hosted-folder.ts";
import { HostedQuota, type QuotaOptions } from "./hosted-quota.ts";
import type { StagedFile } from "./hosting-record.ts";

/** What stands where an address will be. */
const FUTURE_URL = "(an address of this server)";
const SWEEP_MS = HOUR_MS;
/** How long what nobody speaks for is kept: files of an earlier version, or of a machine elsewhere. */
export const UNCLAIMED_MS = DAY_MS;

/** Bytes in, a public URL out: for whoever reads a caller's files. */
export interface Hosting {
  /** The way of a file to the provider, in a few words. */
  readonly served: string;
  /**
   * @param refusal what is said where there is no address at all.
   * @throws {invalid_input | configuration} where the provider could fetch nothing
   */
  requireAddress(refusal: AppError): Promise<void>;
  /**
   * @param owner whose they are: nobody else's bytes have the same address.
   * @param extension of the file's type, which the URL ends with.
   * @throws {configuration} when there is no public address
   * @throws {storage} when it cannot be written or is more than may be hosted
   * @throws {invalid_input} when the content breaks off
   */
  stage(owner: string, content: Buffer | Readable, extension: string): Promise<StagedFile>;
  /**
   * What {@link Hosting.stage} would come to, of which nothing is written.
   * @throws {storage} when it is more than may be hosted
   * @throws {invalid_input} when the content breaks off
   */
  measure(owner: string, content: Buffer | Readable, extension: string): Promise<StagedFile>;
  /** Makes sure that so much may be hosted; keeps nothing of it. @throws {storage} above the quota */
  checkQuota(owner: string, files: readonly StagedFile[]): Promise<void>;
  /** Forgets what was staged for a job that did not come to be. */
  discard(files: readonly StagedFile[]): Promise<void>;
}

/** The hosted files of an owner's job, from its record to its end. */
export interface JobFiles {
  /**
   * Notes what a job that is about to be recorded will need.
   * @throws {storage} above the quota
   * @throws {configuration} when nothing can listen at the public port
   */
  reserve(owner: string, jobId: string, files: readonly StagedFile[]): Promise<void>;
  /**
   * Serves a job's files from now on.
   * @param wire what is about to be sent, with the addresses that were promised.
   * @throws {storage} when one of them is gone
   * @throws {configuration} when nothing serves them at the promised address any more
   */
  publish(owner: string, jobId: string, wire: unknown): Promise<void>;
  /** Ends that, for files that no other job needs. Never fails: what stays is swept later. */
  release(owner: string, jobId: string): Promise<void>;
}

export interface PublicAddress {
  /** Without a trailing slash. */
  url: string;
  /** Makes sure that something of ours listens there. @throws {configuration} */
  require(): Promise<void>;
}

export interface HostingOptions extends QuotaOptions {
  folder: HostedFolder;
  /** `undefined` where none is set. */
  address: PublicAddress | undefined;
  isGone: (holder: string) => boolean;
  clock: Clock;
  log: Log;
}

/** This server as the host of its own files. */
export class OwnHosting implements Hosting, JobFiles {
  readonly served = "served by this server while the job runs";
  readonly #options: HostingOptions;
  readonly #quota: HostedQuota;
  /** What is being removed. */
  readonly #underWay = new Set<Promise<void>>();
  #isClosed = false;
  #callOff = () => {};

  constructor(options: HostingOptions) {
    this.#options = options;
    this.#quota = new HostedQuota(options, () => this.sweep());
  }

  async requireAddress(refusal: AppError): Promise<void> {
    if (!this.#options.address) throw refusal;
  }

  /** Removes what is left over, now and every hour. */
  async open(): Promise<void> {
    this.#callOff = this.#options.clock.schedule(SWEEP_MS, () => void this.open());
    await this.sweep();
  }

  /** Lets what is being removed come to its end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#callOff();
    await Promise.all(this.#underWay);
  }

  async stage(owner: string, content: Buffer | Readable, extension: string): Promise<StagedFile> {
    const { folder, address } = this.#options;
    if (!address) {
      throw new AppError("configuration", "This server has no public address for files.");
    }
    return this.#quota.whileStaging(owner, async (onBytes) => {
      const written = await folder.write(content, onBytes);
      const name = await folder.names.nameFor(owner, written.sha256, extension);
      return { ...written, name, url: address.url + HOSTED_PATH + name };
    });
  }

  async measure(owner: string, content: Buffer | Readable, extension: string): Promise<StagedFile> {
    const { folder } = this.#options;
    const measured = await this.#quota.measure(owner, content);
    const known = await folder.names.knownNameFor(owner, measured.sha256, extension);
    const name = known ?? `${measured.sha256}.${extension}`;
    return { ...measured, name, url: FUTURE_URL, path: "" };
  }

  async checkQuota(owner: string, files: readonly StagedFile[]): Promise<void> {
    await this.#quota.check(owner, files);
  }

  async discard(files: readonly StagedFile[]): Promise<void> {
    for (const { path } of files) await unlink(path).catch(() => undefined);
  }

  async reserve(owner: string, jobId: string, files: readonly StagedFile[]): Promise<void> {
    if (files.length === 0) return;
    const { folder, address } = this.#options;
    await address?.require();
    await this.#quota.claim(owner, jobId, files, ({ path, name }) =>
      orStorage(folder.makeReady(path, name)),
    );
  }

  async publish(owner: string, jobId: string, wire: unknown): Promise<void> {
    const { folder, record, address } = this.#options;
    const files = await record.filesOf(owner, jobId);
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
    await record.holding(owner, jobId, async ({ name, sizeBytes }) => {
      await orStorage(folder.serve(name));
      if ((await folder.servedBytes(name)) !== sizeBytes) {
        throw new AppError("not_found", "A file that the provider was to fetch is gone.", {
          next: "Make the same call again; nothing was sent.",
        });
      }
    });
  }

  async release(owner: string, jobId: string): Promise<void> {
    // Whoever closes the record ends it: what is left is overdue, and the next start sweeps it.
    if (this.#isClosed) return;
    await this.#track(this.#release(owner, jobId));
  }

  /** Removes files of jobs that have ended, and what nobody has finished or speaks for. */
  async sweep(): Promise<void> {
    await this.#track(this.#sweep());
  }

  async #release(owner: string, jobId: string): Promise<void> {
    const { folder, record, log } = this.#options;
    try {
      await record.release(owner, jobId, (name) => folder.remove(name));
    } catch (error) {
      log.error({ job: jobId, err: error }, "a hosted file was not removed");
    }
  }

  async #sweep(): Promise<void> {
    const { folder, record, clock, isGone, log } = this.#options;
    try {
      for (const { owner, jobId } of await record.overdue()) await this.#release(owner, jobId);
      const now = clock.now();
      const found = await folder.list();
      const written = new Map(found.map(({ name, writtenMs }) => [name, writtenMs]));
      await record.clear([...written.keys()], async (name) => {
        const isOld = now - (written.get(name) ?? now) > UNCLAIMED_MS;
        if (isOld || (await folder.stage(name)) === "ready") await folder.remove(name);
      });
      await folder.sweepStaging(isGone, now, UNCLAIMED_MS);
    } catch (error) {
      log.error({ err: error }, "hosted files were not swept");
    }
  }

  async #track(work: Promise<void>): Promise<void> {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
    await tracked;
  }
}

async function orStorage(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new AppError("storage", "A file for the provider could not be moved into place.", {
      cause: error,
      next: "Make the same call again; nothing was sent.",
    });
  }
}
