import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { isLoopbackHost } from "../core/host-addresses.ts";
import { oneLine } from "../core/text.ts";
import { type BucketClient, type BucketContent, sha256Of } from "../gateway/bucket-client.ts";
import { BucketFailure } from "../gateway/bucket-failure.ts";
import { asBucketError } from "./bucket-errors.ts";
import { BucketHealth } from "./bucket-health.ts";
import { BucketKeys } from "./bucket-keys.ts";
import { BucketWriter } from "./bucket-writer.ts";
import { Drafts, prepareDrafts } from "./drafts.ts";
import type { ResultKind } from "./file-names.ts";
import type {
  ByteRange,
  DraftNaming,
  KeepOptions,
  KeptMedium,
  LinkWishes,
  MediaNaming,
  MediaRef,
  MediaStore,
  MediumFacts,
  StraightWay,
} from "./media-store.ts";
import { nameOf } from "./media-store.ts";
import { nearestExisting } from "./output-folder.ts";
import { ownerFolder } from "./owner-folder.ts";
import { checkFree, discard, orStorage, roomFor } from "./placing.ts";
import { THUMBNAIL_TYPE } from "./thumbnail.ts";

/** Whoever looks at one by itself is to keep it: what it is, links say. */
const STORED_TYPE = "application/octet-stream";
/** Some servers take no more than five times as much at once. */
const MAX_WHOLE_BYTES = 1024 * 1024 * 1024;
/** A question that failed so soon may have gone to a connection that nobody was at any more. */
const AT_ONCE_MS = 2_000;
const DELETED_AT_A_TIME = 16;

export interface BucketStoreOptions {
  client: BucketClient;
  clock: Clock;
  /** Where unfinished files lie, on this machine. Absolute. */
  draftsDir: string;
  /** Whose files are never removed all at once. */
  homeOwner: string;
  /** Whether files are named by the words that describe them. */
  keepPrompts?: boolean;
  /** Whether whoever gets an address can reach the bucket. */
  hasLinks: boolean;
}

/** Finished files in a bucket of an S3 server. Unfinished ones lie on this machine. */
export class BucketStore implements MediaStore {
  readonly #options: BucketStoreOptions;
  readonly #client: BucketClient;
  readonly #keys: BucketKeys;
  readonly #writer: BucketWriter;
  readonly #drafts = new Drafts();
  readonly #health: BucketHealth;
  /** Whether nobody on the way can change what is not signed. */
  readonly #isUnread: boolean;

  constructor(options: BucketStoreOptions) {
    this.#options = options;
    this.#client = options.client;
    const { protocol, hostname } = new URL(options.client.address.endpoint);
    this.#isUnread = protocol === "https:" || isLoopbackHost(hostname);
    this.#keys = new BucketKeys(options.client.address.prefix, options.keepPrompts);
    this.#health = new BucketHealth(options.clock);
    this.#writer = new BucketWriter(options.client, options.clock, this.#health);
  }

  async checkRoom(owner: string, kind: ResultKind, count: number): Promise<void> {
    const folder = this.#draftsOf(owner);
    const needed = roomFor(kind, count);
    await checkFree(await nearestExisting(folder), needed, "set LONGCAT_MCP_DATA_DIR");
    const { refusal, isGood } = this.#health;
    if (refusal) throw refusal;
    if (isGood) return;
    await this.#ask(() => this.#client.check());
    this.#health.answered();
  }

  /** A bucket needs no folders. */
  async makeRoom(owner: string): Promise<void> {
    this.#keys.ofOwner(owner);
  }

  async put(
    content: Readable | Uint8Array,
    naming: MediaNaming,
    how?: KeepOptions,
  ): Promise<KeptMedium> {
    const ref = this.#keys.keyOf(naming);
    if (content instanceof Readable) {
      return { ref, ...(await this.#writer.putStream(ref, content, STORED_TYPE, how)) };
    }
    const sha256 = sha256Of(content);
    const whole = { content, bytes: content.length, sha256 };
    await this.#writer.put(ref, () => whole, STORED_TYPE, how);
    return { ref, sizeBytes: content.length, sha256 };
  }

  newDraft(naming: DraftNaming): string {
    return this.#drafts.name(this.#draftsOf(naming.owner), naming);
  }

  async prepareDraft(draft: string): Promise<void> {
    await prepareDrafts(dirname(draft));
  }

  async keep(draft: string, naming: MediaNaming, how: KeepOptions = {}): Promise<MediaRef> {
    const ref = this.#keys.keyOf(naming);
    const { size } = await orStorage(draft, () => stat(draft));
    if (size > MAX_WHOLE_BYTES) {
      await this.#writer.putStream(ref, createReadStream(draft), STORED_TYPE, how);
    } else {
      const sha256 = how.sha256 ?? (await digestOf(draft));
      await this.#writer.put(ref, () => openDraft(draft, size, sha256), STORED_TYPE, how);
    }
    await discard([draft]);
    return ref;
  }

  straight(): StraightWay | undefined {
    if (!this.#isUnread || !this.#health.isReliable) return undefined;
    return async (content, bytes, naming, signal) => {
      const ref = this.#keys.keyOf(naming);
      await this.#writer.putOnce(ref, content, bytes, STORED_TYPE, signal);
      return ref;
    };
  }

  async discardDrafts(drafts: readonly string[]): Promise<void> {
    await discard(drafts);
  }

  /** What cannot be let go of the bucket's now costs its room there, and nothing else. */
  async clearDrafts(job: Omit<DraftNaming, "index">): Promise<void> {
    await this.#drafts.clear(this.#draftsOf(job.owner), job.jobId);
    await this.#abortUploads(this.#keys.ofJob(job)).catch(() => undefined);
  }

  /** Whoever goes on with the job has the same name for it, and may be counting on it. */
  async letGo(): Promise<void> {}

  async open(owner: string, ref: MediaRef, range?: ByteRange): Promise<Readable> {
    if (!this.#keys.isOf(owner, ref)) throw missing(ref);
    const bytes = range && `bytes=${range.start}-${range.end ?? ""}`;
    try {
      return await this.#ask(() => this.#client.get(ref, bytes));
    } catch (error) {
      const { kind } = error instanceof AppError ? causeOf(error) : {};
      if (kind === "no-object") throw missing(ref, error);
      if (kind === "no-range") return Readable.from([]);
      throw error;
    }
  }

  async stat(owner: string, ref: MediaRef): Promise<MediumFacts | undefined> {
    if (!this.#keys.isOf(owner, ref)) return undefined;
    const found = await this.#ask(() => this.#client.head(ref));
    return found && { name: nameOf(ref), ...found };
  }

  async url(owner: string, ref: MediaRef, wishes: LinkWishes): Promise<string | undefined> {
    if (!this.#options.hasLinks || !this.#keys.isOf(owner, ref)) return undefined;
    return this.#client.link(ref, wishes.seconds, wishes);
  }

  async delete(owner: string, ref: MediaRef): Promise<void> {
    if (!this.#keys.isOf(owner, ref)) return;
    await this.#remove([this.#keys.thumbnailOf(ref), ref]);
  }

  async deleteAll(owner: string): Promise<void> {
    const { homeOwner } = this.#options;
    if (owner === homeOwner) {
      throw new AppError("internal", "The files of this machine's user are never removed.");
    }
    const folder = this.#draftsOf(owner);
    await orStorage(folder, () => rm(folder, { recursive: true, force: true }));
    const prefix = this.#keys.ofOwner(owner);
    await this.#ask(() => this.#abortUploads(prefix));
    // What is removed while it is listed may hide what would have come next.
    const keys: string[] = [];
    await this.#ask(async () => {
      for await (const { key } of this.#client.list(prefix)) keys.push(key);
    });
    for (let first = 0; first < keys.length; first += DELETED_AT_A_TIME) {
      await this.#remove(keys.slice(first, first + DELETED_AT_A_TIME));
    }
  }

  async keepThumbnail(owner: string, ref: MediaRef, bytes: Uint8Array): Promise<void> {
    if (!(await this.stat(owner, ref))) throw missing(ref);
    const key = this.#keys.thumbnailOf(ref);
    const whole = { content: bytes, bytes: bytes.length, sha256: sha256Of(bytes) };
    await this.#writer.put(key, () => whole, THUMBNAIL_TYPE, { once: true });
    if (await this.stat(owner, ref)) return;
    // It was deleted meanwhile.
    await this.#remove([key]);
    throw missing(ref);
  }

  async thumbnail(owner: string, ref: MediaRef): Promise<Buffer | undefined> {
    if (!this.#keys.isOf(owner, ref)) return undefined;
    try {
      const content = await this.#ask(() => this.#client.get(this.#keys.thumbnailOf(ref)));
      const chunks: Buffer[] = [];
      for await (const chunk of content) chunks.push(Buffer.from(chunk));
      return Buffer.concat(chunks);
    } catch {
      return undefined;
    }
  }

  async *list(owner: string): AsyncIterable<MediaRef> {
    try {
      for await (const { key } of this.#client.list(this.#keys.ofOwner(owner))) {
        if (this.#keys.isOf(owner, key)) yield key;
      }
    } catch (error) {
      throw asBucketError(error);
    }
  }

  async #abortUploads(prefix: string): Promise<void> {
    for await (const upload of this.#client.uploads(prefix)) await this.#client.abort(upload);
  }

  async #remove(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.#ask(() => this.#client.delete(key))));
  }

  /** Asks, and once more where it failed at once. @throws {storage | configuration} */
  async #ask<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const startedAt = clock.elapsed();
    const again = (error: unknown) => {
      const mayBeStale = error instanceof BucketFailure && error.kind === "unavailable";
      if (!mayBeStale || clock.elapsed() - startedAt > AT_ONCE_MS) throw error;
      return work();
    };
    return work()
      .catch(again)
      .catch((error: unknown) => {
        throw asBucketError(error);
      });
  }

  /** @throws {configuration} for an owner whose id is no name. */
  #draftsOf(owner: string): string {
    return join(this.#options.draftsDir, ownerFolder(owner));
  }
}

/** For one try; whoever sends it closes it. @throws {storage} */
async function openDraft(draft: string, bytes: number, sha256: string): Promise<BucketContent> {
  const file = await orStorage(draft, () => open(draft, "r"));
  return { content: file.createReadStream({ highWaterMark: 256 * 1024 }), bytes, sha256 };
}

async function digestOf(path: string): Promise<string> {
  return orStorage(path, async () => {
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(path)) hash.update(chunk);
    return hash.digest("hex");
  });
}

function causeOf({ cause }: AppError): Partial<Pick<BucketFailure, "kind">> {
  return cause instanceof BucketFailure ? cause : {};
}

function missing(ref: MediaRef, cause?: unknown): AppError {
  return new AppError("not_found", `${oneLine(nameOf(ref))} is missing.`, { cause });
}
