import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { BucketStore } from "../../src/media/bucket-store.ts";
import { fetchFile } from "../../src/media/fetch-file.ts";
import type { KeepOptions } from "../../src/media/media-store.ts";
import { PartialFile } from "../../src/media/partial-file.ts";
import { type BucketFault, FakeBucket } from "./fake-bucket.ts";
import { FakeClock } from "./fake-clock.ts";
import type { Answer } from "./raw-server.ts";
import { OWNER } from "./rig.ts";
import { tempDir } from "./temp-dir.ts";

export const FETCHED_NAMING = {
  owner: OWNER,
  operation: "z_image_turbo_generate",
  words: "A red fox",
  jobId: "job_abcdefghijklmnopqrstuvwxyz",
  index: 1,
  createdAt: Date.parse("2026-11-20T12:00:00Z"),
};
const UNSIGNED = "UNSIGNED-PAYLOAD";

/** Files that are fetched into a bucket, and what becomes of them on the way. */
export class FetchRig {
  readonly clock = new FakeClock();
  /** The life points that were reached. */
  readonly points: string[] = [];
  /** Why a file has to wait. */
  readonly said: string[] = [];
  readonly bucket: FakeBucket;
  readonly store: BucketStore;
  readonly #folder: string;

  private constructor(bucket: FakeBucket, folder: string) {
    this.bucket = bucket;
    this.#folder = folder;
    this.store = this.openStore();
  }

  static async open(): Promise<FetchRig> {
    return new FetchRig(await FakeBucket.open(), await tempDir());
  }

  /** Another one on the same bucket, which may say that it is elsewhere. */
  openStore(endpoint?: string): BucketStore {
    const client = this.bucket.client(this.clock);
    if (endpoint !== undefined) {
      Reflect.defineProperty(client, "address", { value: { ...client.address, endpoint } });
    }
    return new BucketStore({
      ...{ client, clock: this.clock, homeOwner: OWNER, hasLinks: true },
      draftsDir: join(this.#folder, "drafts"),
    });
  }

  /** Fetches a file as jobs do. */
  async fetch(
    url: string,
    how: KeepOptions = {},
    change: { weights?: boolean; isFirstTry?: boolean; media?: BucketStore } = {},
  ) {
    const http = new HttpClient();
    onTestFinished(() => http.close());
    const { media = this.store, weights = false, isFirstTry = true } = change;
    const { clock } = this;
    const trustedOrigins = [new URL(url).origin];
    const partial = new PartialFile(url, media.newDraft(FETCHED_NAMING));
    return fetchFile(
      partial,
      { naming: FETCHED_NAMING, weights, isFirstTry },
      { media, http, clock, trustedOrigins, reached: (point) => this.points.push(point) },
      { waiting: (why) => this.said.push(why), ...how },
    ).catch(async (error: unknown) => {
      await partial.discard();
      throw error;
    });
  }

  puts() {
    return this.bucket.hits.filter(({ method }) => method === "PUT");
  }

  /** How each write went: without its digest past the disk, or with it by the disk. */
  ways(): string[] {
    return this.puts().map(({ headers }) =>
      headers["x-amz-content-sha256"] === UNSIGNED ? "past" : "disk",
    );
  }

  /** Names in the folder of unfinished files. */
  drafts(): Promise<string[]> {
    return readdir(join(this.#folder, "drafts"), { recursive: true });
  }

  /** The one file in the bucket. */
  only(): { key: string; bytes: Buffer } {
    const { files } = this.bucket;
    expect(files.size).toBe(1);
    const [[key, file] = []] = files;
    return { key: key ?? "", bytes: file?.bytes ?? Buffer.alloc(0) };
  }

  /** The first write from the beginning of the test fails. */
  failOnce(fault: BucketFault): void {
    this.bucket.fault = ({ method }) =>
      method === "PUT" && this.puts().length === 1 ? fault : undefined;
  }
}

/** A server that has a file. */
export function served(bytes: Buffer, headers: Record<string, string> = {}): Answer {
  return (_hit, response) => {
    response.writeHead(200, { "content-length": String(bytes.length), ...headers });
    response.end(bytes);
  };
}

export function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
