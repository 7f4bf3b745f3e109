import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { BucketAddress, BucketKeys } from "../core/bucket-address.ts";
import type { Clock } from "../core/clock.ts";
import { BucketFailure, failureOf } from "./bucket-failure.ts";
import {
  completion,
  isCompleted,
  type ListedObject,
  type ListedUpload,
  readErrorCode,
  readList,
  readUploadId,
  readUploads,
} from "./bucket-reply.ts";
import { type BucketRequest, BucketSigner, NOTHING_SHA256 } from "./bucket-signer.ts";
import { MAX_REPLY_BYTES, TransportFailure } from "./exchange.ts";
import { type HttpClient, type HttpStream, readText } from "./http-client.ts";

/** A server that is silent for so long is not there, as far as whoever waits is concerned. */
const SILENCE_MS = 20_000;
/** What is only asked, and not moved. */
const QUESTION_SILENCE_MS = 8_000;
const XML = { "content-type": "application/xml" };

export interface BucketOptions {
  http: HttpClient;
  address: BucketAddress;
  keys: BucketKeys;
  clock: Clock;
}

/** Bytes that are sent as they are. */
export interface BucketContent {
  content: Readable | Uint8Array;
  bytes: number;
  /** As hexadecimal digits: the server takes nothing else under this name. Or `UNSIGNED`. */
  sha256: string;
}

export interface StoredObject {
  sizeBytes: number;
  /** Milliseconds since 1970. */
  modifiedAt: number;
}

interface Sent {
  body?: BucketContent | undefined;
  silenceMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * A bucket of an S3 server: what may be asked of it, each once. Keys are whole ones; whoever asks
 * knows what they begin with.
 */
export class BucketClient {
  readonly #options: BucketOptions;
  readonly #signer: BucketSigner;

  constructor(options: BucketOptions) {
    this.#options = options;
    this.#signer = new BucketSigner(options.address, options.keys);
  }

  get address(): BucketAddress {
    return this.#options.address;
  }

  /** Makes sure that the bucket is there and takes the keys. @throws {BucketFailure} */
  async check(): Promise<void> {
    const query = { "list-type": "2", "max-keys": "1", prefix: this.address.prefix };
    if (!readList(await this.#text({ method: "GET", query }))) throw unreadable();
  }

  /** Writes a file, whatever was there before. @throws {BucketFailure} or what reading fails with */
  async put(
    key: string,
    body: BucketContent,
    mimeType: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const headers = { "content-type": mimeType };
    await this.#text({ method: "PUT", key, headers }, { body, signal });
  }

  /** @param range as the header says it. @throws {BucketFailure} */
  async get(key: string, range?: string): Promise<Readable> {
    const headers = range === undefined ? {} : { range };
    return (await this.#ask({ method: "GET", key, headers })).body;
  }

  /** @returns `undefined` when there is no such file. @throws {BucketFailure} */
  async head(key: string): Promise<StoredObject | undefined> {
    try {
      const silenceMs = QUESTION_SILENCE_MS;
      const { headers, body } = await this.#ask({ method: "HEAD", key }, { silenceMs });
      body.resume();
      const sizeBytes = Number(headers["content-length"] ?? Number.NaN);
      if (!Number.isSafeInteger(sizeBytes)) throw unreadable();
      return { sizeBytes, modifiedAt: Date.parse(headers["last-modified"] ?? "") };
    } catch (error) {
      if (error instanceof BucketFailure && error.kind === "no-object") return undefined;
      throw error;
    }
  }

  /** A file that is not there is deleted already. @throws {BucketFailure} */
  async delete(key: string): Promise<void> {
    await this.#text({ method: "DELETE", key }).catch(unlessGone);
  }

  /** All files whose keys begin so, in the order of their keys. @throws {BucketFailure} */
  async *list(prefix: string): AsyncGenerator<ListedObject> {
    let next: Readonly<Record<string, string>> | undefined = {};
    while (next) {
      const query = { "list-type": "2", "encoding-type": "url", prefix, ...next };
      const page = readList(await this.#text({ method: "GET", query }));
      if (!page) throw unreadable();
      yield* page.objects.filter(({ key }) => key.startsWith(prefix));
      next = page.next;
    }
  }

  /** Begins a file whose length nobody knows yet. @throws {BucketFailure} */
  async begin(key: string, mimeType: string, signal?: AbortSignal): Promise<string> {
    const headers = { "content-type": mimeType };
    const query = { uploads: "" };
    const text = await this.#text({ method: "POST", key, query, headers }, { signal });
    const uploadId = readUploadId(text);
    if (uploadId === undefined) throw unreadable();
    return uploadId;
  }

  /** @param number counted from 1. @returns its tag, for the end. @throws {BucketFailure} */
  async putPart(
    upload: { key: string; uploadId: string },
    number: number,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<string> {
    const { key, uploadId } = upload;
    const query = { partNumber: String(number), uploadId };
    const body = { content: bytes, bytes: bytes.length, sha256: sha256Of(bytes) };
    const reply = await this.#ask({ method: "PUT", key, query }, { body, signal });
    await readText(reply.body, MAX_REPLY_BYTES);
    return reply.headers["etag"] ?? "";
  }

  /** Makes a file of parts. @throws {BucketFailure} */
  async complete(
    { key, uploadId }: { key: string; uploadId: string },
    etags: readonly string[],
    signal?: AbortSignal,
  ): Promise<void> {
    const content = Buffer.from(completion(etags));
    const body = { content, bytes: content.length, sha256: sha256Of(content) };
    const request = { method: "POST", key, query: { uploadId }, headers: XML } as const;
    const text = await this.#text(request, { body, signal });
    if (!isCompleted(text)) throw failureOf(200, readErrorCode(text), true);
  }

  /** Lets parts go. @throws {BucketFailure} */
  async abort({ key, uploadId }: { key: string; uploadId: string }): Promise<void> {
    await this.#text({ method: "DELETE", key, query: { uploadId } }).catch(unlessGone);
  }

  /** Uploads in parts that have not ended, of keys that begin so. @throws {BucketFailure} */
  async *uploads(prefix: string): AsyncGenerator<ListedUpload> {
    let next: Readonly<Record<string, string>> | undefined = {};
    while (next) {
      const query = { uploads: "", "encoding-type": "url", prefix, ...next };
      const page = readUploads(await this.#text({ method: "GET", query }));
      if (!page) throw unreadable();
      yield* page.uploads.filter(({ key }) => key.startsWith(prefix));
      next = page.next;
    }
  }

  /** An address from which whoever has it may fetch a file for so long. */
  async link(
    key: string,
    seconds: number,
    as: { mimeType: string; disposition?: string | undefined; method?: "GET" | "HEAD" | undefined },
  ): Promise<string> {
    const { mimeType, disposition, method = "GET" } = as;
    const query = {
      "response-content-type": mimeType,
      ...(disposition === undefined ? {} : { "response-content-disposition": disposition }),
    };
    return this.#signer.link({ method, key, query, seconds }, this.#options.clock.now());
  }

  /** What all links to a key begin with. */
  linkBase(key: string): string {
    return this.#signer.linkBase(key);
  }

  /** An answer without a file in it. */
  async #text(request: Omit<BucketRequest, "sha256">, sent: Sent = {}): Promise<string> {
    const silenceMs = sent.body === undefined ? QUESTION_SILENCE_MS : SILENCE_MS;
    const { body } = await this.#ask(request, { silenceMs, ...sent });
    try {
      return await readText(body, MAX_REPLY_BYTES);
    } catch (error) {
      throw asFailure(error);
    }
  }

  async #ask(
    request: Omit<BucketRequest, "sha256">,
    { body, silenceMs = SILENCE_MS, signal }: Sent = {},
  ): Promise<HttpStream> {
    const { http, clock } = this.#options;
    const sha256 = body?.sha256 ?? NOTHING_SHA256;
    const signed = await this.#signer.sign({ ...request, sha256 }, clock.now());
    const { method } = request;
    const isBodyless = body === undefined && (method === "PUT" || method === "POST");
    const reply = await http
      .transfer({
        ...{ method, ...signed, silenceMs, signal },
        body: isBodyless ? { content: new Uint8Array(), bytes: 0 } : body,
      })
      .catch((error: unknown) => {
        throw asFailure(error);
      });
    if (reply.status >= 200 && reply.status < 300) return reply;
    const text = await readText(reply.body, MAX_REPLY_BYTES).catch(() => "");
    throw failureOf(reply.status, readErrorCode(text), request.key !== undefined);
  }
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function unreadable(): BucketFailure {
  return new BucketFailure("unavailable", "its answer cannot be read; is it an S3 server?");
}

function unlessGone(error: unknown): void {
  if (error instanceof BucketFailure && error.kind === "no-object") return;
  throw error;
}

/** What the network failed with; what a file of ours failed with stays as it is. */
function asFailure(error: unknown): unknown {
  if (!(error instanceof TransportFailure)) return error;
  return new BucketFailure("unavailable", error.message, error);
}
