import type { Readable } from "node:stream";
import type { Clock } from "../core/clock.ts";
import { DAY_MS, HOUR_MS } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { randomToken } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { BucketClient } from "../gateway/bucket-client.ts";
import { isSeenOutside } from "../gateway/seen-outside.ts";
import { asBucketError } from "../media/bucket-errors.ts";
import { BucketWriter } from "../media/bucket-writer.ts";
import { TYPES, unbroken } from "./hosted-folder.ts";
import { HostedQuota, type QuotaOptions } from "./hosted-quota.ts";
import type { Hosting, JobFiles } from "./hosting.ts";
import type { StagedFile } from "./hosting-record.ts";

/** Below the bucket's prefix. */
const FOLDER = "hosted/";
const FUTURE_URL = "(an address in the bucket)";
/** How long an address works that the provider is given. */
const LINK_MS = DAY_MS;
/** The provider may take its time, once it was asked. */
const LEFT_MS = HOUR_MS;
/** What nobody speaks for is kept so long: it may just be staged, by another process. */
const UNCLAIMED_MS = DAY_MS;
const SWEEP_MS = HOUR_MS;

export interface BucketHostingOptions extends QuotaOptions {
  client: BucketClient;
  /** Whether the provider is on this machine, and reaches what only this machine sees. */
  isProviderHere: boolean;
  /** Whether others can reach a host, for tests. */
  isSeen?: (hostname: string) => Promise<boolean>;
  clock: Clock;
  log: Log;
}

/**
 * A bucket as the host of what the provider fetches: it needs no public address of this server.
 * Each staged file is an object of its own, so that none has to be shared and let go by turns.
 */
export class BucketHosting implements Hosting, JobFiles {
  readonly served = "fetched from the bucket while the job runs";
  readonly #options: BucketHostingOptions;
  readonly #client: BucketClient;
  readonly #writer: BucketWriter;
  readonly #quota: HostedQuota;
  /** What is being removed. */
  readonly #underWay = new Set<Promise<void>>();
  #isClosed = false;
  #callOff = () => {};

  constructor(options: BucketHostingOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#writer = new BucketWriter(options.client, options.clock);
    this.#quota = new HostedQuota(options, () => this.sweep());
  }

  async requireAddress(): Promise<void> {
    const { isProviderHere, isSeen = isSeenOutside } = this.#options;
    if (isProviderHere) return;
    const { protocol, hostname, origin } = new URL(this.#client.address.publicEndpoint);
    const isFound = await isSeen(hostname);
    if (isFound && protocol === "https:") return;
    const wrong = isFound
      ? `is no https address, and what the provider fetches at ${origin} is nobody else's to read`
      : `is ${origin}, which only this machine or its network sees, so that the provider can fetch nothing there`;
    throw new AppError("configuration", `The endpoint of the bucket ${wrong}.`, {
      next: "Ask the user to add `public_endpoint=` with the https address of the bucket's server to LONGCAT_MCP_MEDIA_URL or LONGCAT_MCP_HOSTING_URL, or to set LONGCAT_MCP_HOSTING_URL to a bucket that the provider can reach; or give a public https URL. Nothing was sent.",
    });
  }

  /** Removes what is left over, now and every hour; nobody waits for it. */
  async open(): Promise<void> {
    this.#callOff = this.#options.clock.schedule(SWEEP_MS, () => void this.open());
    void this.sweep();
  }

  /** Lets what is being removed come to its end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#callOff();
    await Promise.all(this.#underWay);
  }

  async stage(owner: string, content: Buffer | Readable, extension: string): Promise<StagedFile> {
    const name = `${randomToken()}.${extension}`;
    const key = this.#keyOf(name);
    const mimeType = TYPES[extension] ?? "application/octet-stream";
    const seconds = LINK_MS / 1000;
    const written = await this.#quota.whileStaging(owner, (onBytes) =>
      this.#writer
        .putStream(key, unbroken(content), mimeType, { once: true }, onBytes)
        .catch((error: unknown) => {
          throw unsent(error);
        }),
    );
    const url = await this.#client.link(key, seconds, { mimeType });
    return { ...written, name, url, path: "" };
  }

  async measure(owner: string, content: Buffer | Readable, extension: string): Promise<StagedFile> {
    const measured = await this.#quota.measure(owner, content);
    return { ...measured, name: `${measured.sha256}.${extension}`, url: FUTURE_URL, path: "" };
  }

  async checkQuota(owner: string, files: readonly StagedFile[]): Promise<void> {
    await this.#quota.check(owner, files);
  }

  async discard(files: readonly StagedFile[]): Promise<void> {
    // Whoever has recorded a job says so as well.
    await this.#removeUnclaimed(files.map(({ name }) => name)).catch(() => undefined);
  }

  async reserve(owner: string, jobId: string, files: readonly StagedFile[]): Promise<void> {
    if (files.length > 0) await this.#quota.claim(owner, jobId, files, async () => {});
  }

  async publish(owner: string, jobId: string, wire: unknown): Promise<void> {
    const files = await this.#options.record.filesOf(owner, jobId);
    if (files.length === 0) return;
    const sent = JSON.stringify(wire);
    if (!files.every(({ name }) => this.#worksFor(sent, this.#keyOf(name)))) {
      throw new AppError(
        "configuration",
        "The addresses of the job's files have ended, or the bucket has changed since it was recorded, so that the provider could not fetch them.",
        { next: "Make the same call again; nothing was sent." },
      );
    }
    for (const { name, sizeBytes } of files) {
      const found = await this.#client.head(this.#keyOf(name)).catch((error: unknown) => {
        throw unsent(asBucketError(error));
      });
      if (found?.sizeBytes === sizeBytes) continue;
      throw new AppError("not_found", "A file that the provider was to fetch is gone.", {
        next: "Make the same call again; nothing was sent.",
      });
    }
  }

  async release(owner: string, jobId: string): Promise<void> {
    // Whoever closes the record ends it: what is left is overdue, and the next start sweeps it.
    if (!this.#isClosed) await this.#track(this.#release(owner, jobId));
  }

  /** Removes files of jobs that have ended, and what nobody speaks for. */
  async sweep(): Promise<void> {
    await this.#track(this.#sweep());
  }

  /** Whether an address was promised that still works for a while. */
  #worksFor(sent: string, key: string): boolean {
    const [, rest] = sent.split(`"${this.#client.linkBase(key)}?`);
    if (rest === undefined) return false;
    const [query = ""] = rest.split('"');
    const signed = new URLSearchParams(query).get("X-Amz-Date") ?? "";
    const [, year, month, day, hour, minute] =
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ$/.exec(signed) ?? [];
    const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:00Z`);
    return this.#options.clock.now() < signedAt + LINK_MS - LEFT_MS;
  }

  async #release(owner: string, jobId: string): Promise<void> {
    const { record, log } = this.#options;
    try {
      // Nobody waits on the network while the record is held.
      const gone: string[] = [];
      await record.release(owner, jobId, async (name) => {
        gone.push(name);
      });
      await this.#remove(gone);
    } catch (error) {
      log.error({ job: jobId, err: error }, "a hosted file was not removed");
    }
  }

  async #sweep(): Promise<void> {
    const { record, clock, log } = this.#options;
    try {
      for (const { owner, jobId } of await record.overdue()) await this.#release(owner, jobId);
      const root = this.#keyOf("");
      const isOld = (at: number) => clock.now() - at > UNCLAIMED_MS;
      const old: string[] = [];
      for await (const { key, modifiedAt } of this.#client.list(root)) {
        if (isOld(modifiedAt)) old.push(key.slice(root.length));
      }
      await this.#removeUnclaimed(old);
      for await (const upload of this.#client.uploads(root)) {
        if (isOld(upload.begunAt)) await this.#client.abort(upload);
      }
    } catch (error) {
      log.warn({ err: error }, "hosted files were not swept");
    }
  }

  async #removeUnclaimed(names: readonly string[]): Promise<void> {
    const gone: string[] = [];
    await this.#options.record.clear(names, async (name) => {
      gone.push(name);
    });
    await this.#remove(gone);
  }

  async #remove(names: readonly string[]): Promise<void> {
    for (const name of names) await this.#client.delete(this.#keyOf(name));
  }

  #keyOf(name: string): string {
    const { prefix } = this.#client.address;
    return `${prefix === "" ? "" : `${prefix}/`}${FOLDER}${name}`;
  }

  async #track(work: Promise<void>): Promise<void> {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
    await tracked;
  }
}

/** What a caller waits for is not tried again by itself. */
function unsent(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== "storage") return error;
  return new AppError("storage", error.message, {
    cause: error,
    next: "Call again in a few minutes, or give a public https URL; nothing was sent.",
  });
}
