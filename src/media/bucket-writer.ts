import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { type Clock, delay } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { Gate } from "../core/gate.ts";
import { type BucketClient, type BucketContent, sha256Of } from "../gateway/bucket-client.ts";
import { BucketFailure } from "../gateway/bucket-failure.ts";
import { UNSIGNED } from "../gateway/bucket-signer.ts";
import { asBucketError, mayPass } from "./bucket-errors.ts";
import { BucketHealth } from "./bucket-health.ts";
import { DownloadFailure } from "./download-failure.ts";

/** All have as many, but the last: some servers want that, and a thousand of them hold any file. */
const PART_BYTES = 16 * 1024 * 1024;
const FIRST_BUFFER_BYTES = 64 * 1024;
/** What all parts that are on their way may take of memory together. */
const PARTS = new Gate(96 * 1024 * 1024);

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 10_000;
/** How long a write that fails is tried again. */
export const PATIENCE_MS = 600_000;

const ANSWERED_EARLY = "it answered before it had all of the file";

/** How a write goes on that fails for the moment. */
export interface WriteOptions {
  /** Ends the wait. */
  signal?: AbortSignal | undefined;
  /** Hears why it waits. */
  waiting?: ((why: string) => void) | undefined;
  /** Whether somebody waits for the answer, so that one try must do. */
  once?: boolean | undefined;
}

type Hearing = Pick<BucketHealth, "written" | "failed" | "passed" | "broke">;

/** Writes to a bucket, patiently: only a wrong key or a bucket that is not there ends a write at once. */
export class BucketWriter {
  readonly #client: BucketClient;
  readonly #clock: Clock;
  readonly #health: Hearing;

  /** @param health hears of each write and of each failure. */
  constructor(client: BucketClient, clock: Clock, health: Hearing = new BucketHealth(clock)) {
    this.#client = client;
    this.#clock = clock;
    this.#health = health;
  }

  /**
   * Writes what can be read more than once.
   * @param open opens it anew for each try.
   * @throws {storage | configuration | cancelled}
   */
  async put(
    key: string,
    open: () => BucketContent | Promise<BucketContent>,
    mimeType: string,
    how: WriteOptions = {},
  ): Promise<void> {
    await this.#patiently(
      async () => this.#client.put(key, await open(), mimeType, how.signal),
      how,
    );
  }

  /**
   * Writes what comes once and ends somewhere: in parts, each of which is tried again.
   * @param onBytes hears how much has come; what it throws ends the write.
   * @throws {storage | configuration | cancelled} or whatever the content fails with
   */
  async putStream(
    key: string,
    content: AsyncIterable<Uint8Array>,
    mimeType: string,
    how: WriteOptions = {},
    onBytes: (sizeBytes: number) => void = () => {},
  ): Promise<{ sizeBytes: number; sha256: string }> {
    const hash = createHash("sha256");
    const parts = new PartReader(content);
    let sizeBytes = 0;
    let uploadId: string | undefined;
    const etags: string[] = [];
    const next = async (): Promise<boolean> => {
      const { bytes, isLast } = await parts.next((count) => onBytes(sizeBytes + count));
      hash.update(bytes);
      sizeBytes += bytes.length;
      if (isLast && uploadId === undefined) {
        const whole = { content: bytes, bytes: bytes.length, sha256: sha256Of(bytes) };
        await this.put(key, () => whole, mimeType, how);
      } else if (bytes.length > 0) {
        uploadId ??= await this.#patiently(
          () => this.#client.begin(key, mimeType, how.signal),
          how,
        );
        const upload = { key, uploadId };
        const number = etags.length + 1;
        etags.push(
          await this.#patiently(() => this.#client.putPart(upload, number, bytes, how.signal), how),
        );
      }
      return isLast;
    };
    try {
      while (!(await PARTS.run(PART_BYTES, next)));
      if (uploadId !== undefined) await this.#complete({ key, uploadId }, etags, sizeBytes, how);
      return { sizeBytes, sha256: hash.digest("hex") };
    } catch (error) {
      await parts.end();
      // What cannot be let go now is found by whoever clears up.
      if (uploadId !== undefined)
        await this.#client.abort({ key, uploadId }).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Writes what comes once and is so long, in one try: it is not held, so nobody could send it again.
   * Nothing is there of what breaks off. Its digest is known when all of it has gone, so it is not
   * signed.
   * @throws {storage | configuration | cancelled} or the {DownloadFailure} that the content fails with
   */
  async putOnce(
    key: string,
    content: Readable,
    bytes: number,
    mimeType: string,
    signal?: AbortSignal,
  ): Promise<void> {
    try {
      await this.#client.put(key, { content, bytes, sha256: UNSIGNED }, mimeType, signal);
      if (!content.readableEnded) throw new BucketFailure("unavailable", ANSWERED_EARLY);
    } catch (thrown) {
      if (content.errored instanceof DownloadFailure) throw content.errored;
      const { error } = await this.#failureOf(thrown, signal);
      this.#health.broke(error);
      throw error;
    }
    this.#health.passed();
  }

  /** The answer to the last request may be lost, and then the file is there all the same. */
  async #complete(
    upload: { key: string; uploadId: string },
    etags: readonly string[],
    sizeBytes: number,
    how: WriteOptions,
  ): Promise<void> {
    await this.#patiently(async () => {
      try {
        await this.#client.complete(upload, etags, how.signal);
      } catch (error) {
        if (!(error instanceof BucketFailure) || error.kind !== "no-object") throw error;
        const there = await this.#client.head(upload.key);
        if (there?.sizeBytes !== sizeBytes) throw error;
      }
    }, how);
  }

  async #patiently<T>(work: () => Promise<T>, how: WriteOptions): Promise<T> {
    const { signal, waiting, once } = how;
    const startedAt = this.#clock.elapsed();
    for (let tries = 0; ; tries++) {
      try {
        const done = await work();
        this.#health.written();
        return done;
      } catch (thrown) {
        const { failure, error } = await this.#failureOf(thrown, signal);
        this.#health.failed(error, tries > 0);
        const isOver = once || this.#clock.elapsed() - startedAt >= PATIENCE_MS;
        if (isOver || !mayPass(failure)) throw error;
        waiting?.(error.message);
      }
      const pause = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 10));
      await delay(this.#clock, pause, signal);
    }
  }

  /** Why a write failed, and the same as an error that says so. @throws {cancelled} */
  async #failureOf(
    thrown: unknown,
    signal: AbortSignal | undefined,
  ): Promise<{ failure: unknown; error: AppError }> {
    if (signal?.aborted) throw new AppError("cancelled", "The write was called off.");
    const failure = await this.#told(thrown);
    return { failure, error: asBucketError(failure) };
  }

  /** A server may refuse a body before it has taken it, and then all that is seen is a broken connection. */
  async #told(thrown: unknown): Promise<unknown> {
    if (!(thrown instanceof BucketFailure) || thrown.kind !== "unavailable") return thrown;
    return this.#client.check().then(
      () => thrown,
      (found: unknown) => (mayPass(found) ? thrown : found),
    );
  }
}

/** Takes pieces of any size together to parts. */
class PartReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = Buffer.alloc(0);

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#pieces = content[Symbol.asyncIterator]();
  }

  /** @param onBytes hears how many bytes of this part have come. */
  async next(onBytes: (count: number) => void): Promise<{ bytes: Buffer; isLast: boolean }> {
    let part: Buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES);
    let length = 0;
    for (;;) {
      if (this.#rest.length === 0) {
        const piece = await this.#pieces.next();
        if (piece.done) return { bytes: part.subarray(0, length), isLast: true };
        this.#rest = piece.value;
      }
      const taken = this.#rest.subarray(0, PART_BYTES - length);
      this.#rest = this.#rest.subarray(taken.length);
      part = withRoom(part, length, length + taken.length);
      part.set(taken, length);
      length += taken.length;
      onBytes(length);
      if (length === PART_BYTES) return { bytes: part, isLast: false };
    }
  }

  /** Lets the source go. */
  async end(): Promise<void> {
    await this.#pieces.return?.().catch(() => undefined);
  }
}

function withRoom(part: Buffer, length: number, needed: number): Buffer {
  if (needed <= part.length) return part;
  const larger = Buffer.allocUnsafeSlow(Math.min(PART_BYTES, Math.max(needed, part.length * 2)));
  part.copy(larger, 0, 0, length);
  return larger;
}
