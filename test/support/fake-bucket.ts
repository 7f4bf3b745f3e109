import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import type { BucketPlace } from "../../src/core/bucket-address.ts";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { BucketClient } from "../../src/gateway/bucket-client.ts";
import { UNSIGNED } from "../../src/gateway/bucket-signer.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";

/** What was asked of it. */
export interface BucketHit {
  method: string;
  key: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
}

/** Where an answer goes. */
interface Reply {
  writeHead(status: number, headers?: Record<string, string>): { end(content?: unknown): unknown };
}

/**
 * How it fails: with a status and perhaps a code, before it has read anything if it is hasty; by
 * saying nothing, or by hanging up, maybe in the middle of a body.
 */
export type BucketFault =
  | { status: number; code?: string; hasty?: boolean }
  | "hang"
  | "cut"
  | "cut in the middle";

const NOBODY_HOME = new Date("2026-11-20T11:00:00Z");

/**
 * A bucket in memory, on loopback, that fails as it is told. It looks at no signature; that is what
 * the real server is for. Like that one it takes no body but the announced one.
 */
export class FakeBucket {
  readonly files = new Map<string, { bytes: Buffer; type: string; modifiedAt: Date }>();
  readonly uploads = new Map<string, { key: string; parts: Map<number, Buffer>; begun: Date }>();
  readonly hits: BucketHit[] = [];
  /** Looks at each request before it is answered. */
  fault: (hit: BucketHit) => BucketFault | undefined = () => undefined;
  /** When what is written now was written. */
  now = NOBODY_HOME;
  /** How many entries a page of a list has. */
  page = 1000;
  /** Answers as if the last request had been lost on its way back, once. */
  loseAnswer: ((hit: BucketHit) => boolean) | undefined;
  #count = 0;
  port = 0;

  static async open(): Promise<FakeBucket> {
    const bucket = new FakeBucket();
    const server = createServer((request, response) => void bucket.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address: string | AddressInfo | null = server.address();
    bucket.port = typeof address === "object" && address ? address.port : 0;
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return bucket;
  }

  place(prefix = "pre"): BucketPlace {
    const endpoint = `http://127.0.0.1:${this.port}`;
    return {
      address: {
        ...{ bucket: "files", prefix, endpoint, publicEndpoint: endpoint },
        ...{ region: "eu-central-1", style: "path" },
      },
      keys: { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret", sessionToken: undefined },
    };
  }

  client(clock: Clock = systemClock, prefix = "pre"): BucketClient {
    const http = new HttpClient();
    onTestFinished(() => http.close());
    return new BucketClient({ http, clock, ...this.place(prefix) });
  }

  /** How often something was asked for. */
  asked(method: string, key?: string): number {
    return this.hits.filter((hit) => hit.method === method && (key ?? hit.key) === hit.key).length;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const url = new URL(request.url ?? "", "http://bucket");
    const [, , ...names] = url.pathname.split("/");
    const key = names.map(decodeURIComponent).join("/");
    const method = request.method ?? "";
    const hit = { method, key, query: url.searchParams, headers: request.headers };
    this.hits.push(hit);
    const fault = this.fault(hit);
    if (fault === "cut") return request.socket.destroy();
    if (fault === "hang") return undefined;
    if (fault === "cut in the middle") return request.once("data", () => request.destroy());
    if (fault?.hasty) return fail(response, fault.status, fault.code);
    const body = await buffer(request).catch(() => undefined);
    if (!body) return undefined;
    if (fault) return fail(response, fault.status, fault.code);
    const digest = createHash("sha256").update(body).digest("hex");
    const announced = request.headers["x-amz-content-sha256"];
    if (announced !== undefined && announced !== UNSIGNED && announced !== digest) {
      return fail(response, 400, "XAmzContentSHA256Mismatch");
    }
    if (this.loseAnswer?.(hit)) {
      this.loseAnswer = undefined;
      this.#do(hit, body, NOBODY);
      return request.socket.destroy();
    }
    return this.#do(hit, body, response);
  }

  #do(hit: BucketHit, body: Buffer, response: Reply): unknown {
    const { method, key, query } = hit;
    const type = String(hit.headers["content-type"] ?? "");
    const uploadId = query.get("uploadId");
    if (key === "")
      return query.has("uploads")
        ? this.#listUploads(query, response)
        : this.#list(query, response);
    if (query.has("uploads")) return this.#begin(key, response);
    if (uploadId !== null) return this.#ofUpload(hit, uploadId, body, response);
    if (method === "PUT") {
      this.files.set(key, { bytes: body, type, modifiedAt: this.now });
      return response.writeHead(200, { etag: '"tag"' }).end();
    }
    if (method === "DELETE") {
      this.files.delete(key);
      return response.writeHead(204).end();
    }
    return this.#read(hit, response);
  }

  #read({ method, key, query, headers }: BucketHit, response: Reply) {
    const file = this.files.get(key);
    if (!file) return fail(response, 404, method === "HEAD" ? undefined : "NoSuchKey");
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "") ?? [];
    const start = Number(first ?? 0);
    if (first !== undefined && start >= file.bytes.length)
      return fail(response, 416, "InvalidRange");
    const end = last ? Number(last) + 1 : file.bytes.length;
    const bytes = file.bytes.subarray(start, end);
    return response
      .writeHead(first === undefined ? 200 : 206, {
        "content-length": String(bytes.length),
        "content-type": query.get("response-content-type") ?? file.type,
        "last-modified": file.modifiedAt.toUTCString(),
      })
      .end(method === "HEAD" ? undefined : bytes);
  }

  #begin(key: string, response: Reply): unknown {
    const id = `upload-${++this.#count}`;
    this.uploads.set(id, { key, parts: new Map(), begun: this.now });
    return xml(response, "InitiateMultipartUploadResult", `<UploadId>${id}</UploadId>`);
  }

  #ofUpload({ method, query }: BucketHit, id: string, body: Buffer, response: Reply): unknown {
    const upload = this.uploads.get(id);
    if (!upload) return fail(response, 404, "NoSuchUpload");
    if (method === "PUT") {
      const number = Number(query.get("partNumber"));
      upload.parts.set(number, body);
      return response.writeHead(200, { etag: `"part-${number}"` }).end();
    }
    this.uploads.delete(id);
    if (method === "DELETE") return response.writeHead(204).end();
    const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)</g)].map(([, n]) => Number(n));
    const bytes = Buffer.concat(numbers.map((n) => upload.parts.get(n) ?? Buffer.alloc(0)));
    this.files.set(upload.key, { bytes, type: "", modifiedAt: this.now });
    return xml(response, "CompleteMultipartUploadResult", "<ETag>whole</ETag>");
  }

  #list(query: URLSearchParams, response: Reply): unknown {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? "";
    const most = Math.min(this.page, Number(query.get("max-keys") ?? this.page));
    const keys = [...this.files.keys()]
      .filter((key) => key.startsWith(prefix) && key > after)
      .sort();
    const shown = keys.slice(0, most);
    const entries = shown.map((key) => {
      const file = this.files.get(key);
      return `<Contents><Key>${encodeURIComponent(key)}</Key><Size>${file?.bytes.length}</Size><LastModified>${file?.modifiedAt.toISOString()}</LastModified></Contents>`;
    });
    const goesOn = shown.length < keys.length;
    const token = goesOn ? `<NextContinuationToken>${shown.at(-1)}</NextContinuationToken>` : "";
    const facts = `<EncodingType>url</EncodingType><IsTruncated>${goesOn}</IsTruncated>${token}`;
    return xml(response, "ListBucketResult", facts + entries.join(""));
  }

  #listUploads(query: URLSearchParams, response: Reply): unknown {
    const prefix = query.get("prefix") ?? "";
    const entries = [...this.uploads]
      .filter(([, { key }]) => key.startsWith(prefix))
      .map(
        ([id, { key, begun }]) =>
          `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${begun.toISOString()}</Initiated></Upload>`,
      );
    return xml(
      response,
      "ListMultipartUploadsResult",
      `<IsTruncated>false</IsTruncated>${entries.join("")}`,
    );
  }
}

/** Takes an answer that nobody gets. */
const NOBODY: Reply = { writeHead: () => ({ end: () => undefined }) };

function xml(response: Reply, name: string, content: string): unknown {
  return response
    .writeHead(200, { "content-type": "application/xml" })
    .end(`<?xml version="1.0" encoding="UTF-8"?><${name}>${content}</${name}>`);
}

function fail(response: Reply, status: number, code?: string): unknown {
  const text = code === undefined ? "" : `<Error><Code>${code}</Code><Message>no</Message></Error>`;
  return response.writeHead(status, { "content-type": "application/xml" }).end(text);
}
