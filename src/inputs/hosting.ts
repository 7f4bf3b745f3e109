import { createHash } from "node:crypto";
import { unlink } from "node:fs/promises";
import type { Readable } from "node:stream";
import { type Clock, DAY_MS, HOUR_MS } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { byteCount } from "../core/text.ts";
import { HOSTED_PATH, type HostedFolder, unbroken } from "./hosted-folder.ts";
import type { HostingRecord, StagedFile } from "./hosting-record.ts";

/** What stands where an address will be. */
const FUTURE_URL = "(an address of this server)";
const SWEEP_MS = HOUR_MS;
/** How long what nobody speaks for is kept: files of an earlier version, or of a machine elsewhere. */
export const UNCLAIMED_MS = DAY_MS;

/** Bytes in, a public URL out: for whoever reads a caller's files. */
export interface Hosting {
  /** @throws what stands in the way where this server has no public address */
  requireAddress(refusal: AppError): void;
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

export interface HostingOptions {
  folder: HostedFolder;
  record: HostingRecord;
  /** `undefined` where none is set. */
  address: PublicAddress | undefined;
  /** The most that may be hosted at a time. */
  maxBytes: number;
  /** The most of it that one owner's jobs may need; all of it when absent. */
  maxOwnBytes?: (owner: string) => number | undefined;
  isGone: (holder: string) => boolean;
  clock: Clock;
  log: Log;
}

/** This server as the host of its own files. */
export class OwnHosting implements Hosting, JobFiles {
  readonly #options: HostingOptions;
  /** What is being removed. */
  readonly #underWay = new Set<Promise<void>>();
  #stagingBytes = 0;
  #isClosed = false;
  #callOff = () => {};

  constructor(options: HostingOptions) {
    this.#options = options;
  }

  requireAddress(refusal: AppError): void {
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
    const { folder, address, maxBytes } = this.#options;
    const limits = this.#limits(owner);
    if (!address) {
      throw new AppError("configuration", "This server has no public address for files.");
    }
    let counted = 0;
    try {
      const written = await folder.write(content, (sizeBytes) => {
        this.#stagingBytes += sizeBytes - counted;
        counted = sizeBytes;
        const isTooMuch = this.#stagingBytes > maxBytes || sizeBytes > limits.maxOwnBytes;
        if (isTooMuch) throw overQuota(limits, sizeBytes);
      });
      const name = await folder.names.nameFor(owner, written.sha256, extension);
      return { ...written, name, url: address.url + HOSTED_PATH + name };
    } finally {
      this.#stagingBytes -= counted;
    }
  }

  async measure(owner: string, content: Buffer | Readable, extension: string): Promise<StagedFile> {
    const { folder } = this.#options;
    const limits = this.#limits(owner);
    const hash = createHash("sha256");
    let sizeBytes = 0;
    for await (const chunk of unbroken(content)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > limits.maxOwnBytes) throw overQuota(limits, sizeBytes);
    }
    const sha256 = hash.digest("hex");
    const known = await folder.names.knownNameFor(owner, sha256, extension);
    return {
      name: known ?? `${sha256}.${extension}`,
      url: FUTURE_URL,
      sha256,
      sizeBytes,
      path: "",
    };
  }

  async checkQuota(owner: string, files: readonly StagedFile[]): Promise<void> {
    const { record } = this.#options;
    const claim = { owner, jobId: "", files, ...this.#limits(owner) };
    if (files.length === 0 || (await record.wouldClaim(claim)).isNoted) return;
    await this.sweep();
    const { isNoted, usedBytes, addedBytes } = await record.wouldClaim(claim);
    if (!isNoted) throw overQuota(claim, addedBytes, usedBytes);
  }

  async discard(files: readonly StagedFile[]): Promise<void> {
    for (const { path } of files) await unlink(path).catch(() => undefined);
  }

  async reserve(owner: string, jobId: string, files: readonly StagedFile[]): Promise<void> {
    if (files.length === 0) return;
    const { folder, record, address } = this.#options;
    await address?.require();
    const place = ({ path, name }: StagedFile) => orStorage(folder.makeReady(path, name));
    const claim = { owner, jobId, files, ...this.#limits(owner) };
    if ((await record.claim(claim, place)).isNoted) return;
    await this.sweep();
    const { isNoted, usedBytes, addedBytes } = await record.claim(claim, place);
    if (!isNoted) throw overQuota(claim, addedBytes, usedBytes);
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
        throw new AppError("storage", "A file that the provider was to fetch is gone.", {
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

  #limits(owner: string): { maxBytes: number; maxOwnBytes: number } {
    const { maxBytes, maxOwnBytes } = this.#options;
    return { maxBytes, maxOwnBytes: Math.min(maxBytes, maxOwnBytes?.(owner) ?? maxBytes) };
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

/** @param usedBytes what the same owner's jobs need: of other owners' nothing is told. */
function overQuota(
  { maxBytes, maxOwnBytes }: { maxBytes: number; maxOwnBytes: number },
  addedBytes: number,
  usedBytes = 0,
): AppError {
  const used = usedBytes === 0 ? "" : `, and running jobs need ${byteCount(usedBytes)} already`;
  const isOwn = maxOwnBytes < maxBytes && addedBytes + usedBytes > maxOwnBytes;
  const most = isOwn ? maxOwnBytes : maxBytes;
  const left = addedBytes + usedBytes > most ? "" : "is left at the moment of ";
  const whose = isOwn ? " for one user" : "";
  const setting = isOwn ? "LONGCAT_MCP_HOSTED_BYTES_PER_USER" : "LONGCAT_MCP_HOSTED_BYTES";
  return new AppError(
    "storage",
    `The files for the provider have ${byteCount(addedBytes)}${used}: more than ${left}the ${byteCount(most)} that may be hosted${whose} at a time.`,
    {
      next: `Wait until running jobs have ended, send less, give a public https URL instead, or ask the user to raise ${setting}; nothing was sent.`,
    },
  );
}
