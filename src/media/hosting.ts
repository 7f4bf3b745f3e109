import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, rename, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { randomToken } from "../core/ids.ts";

/** Inside the data folder. */
export const HOSTED_FOLDER = "hosted";
/** Where hosted files are found below a public address. */
export const HOSTED_PATH = "/files/";
/** Long enough for a provider's queue. */
export const HOSTED_FOR_MS = 24 * 3_600_000;

const NAME = /^[a-z2-7]{26}\.([a-z0-9]{1,8})$/;
const TYPES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  bmp: "image/bmp",
  tif: "image/tiff",
  avif: "image/avif",
  zip: "application/zip",
};

export interface HostedFile {
  /** Where the provider can fetch it for a day. */
  url: string;
  sha256: string;
  sizeBytes: number;
}

/** Bytes in, public URL out. */
export interface Hosting {
  /** Whether there is a public address at all. */
  readonly isAvailable: boolean;
  /**
   * @param extension of the file's type, which the URL ends with.
   * @throws {configuration} when there is no public address, or nothing can listen there
   * @throws {storage}
   */
  publish(content: Buffer | Readable, extension: string): Promise<HostedFile>;
}

/**
 * Files that the world may fetch for a while, by names that cannot be guessed. They lie in the data
 * folder, so that any process that shares it can serve them; a file's time of change is when it
 * was published.
 */
export class HostedFolder {
  readonly #folder: string;
  readonly #clock: Clock;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** @returns the file's name, and what it holds. @throws {storage} */
  async add(
    content: Buffer | Readable,
    extension: string,
  ): Promise<{ name: string; sha256: string; sizeBytes: number }> {
    const name = `${randomToken()}.${extension}`;
    const path = join(this.#folder, name);
    const partial = `${path}.partial`;
    const hash = createHash("sha256");
    let sizeBytes = 0;
    const measure = new Transform({
      transform(chunk: Buffer, _, done) {
        hash.update(chunk);
        sizeBytes += chunk.length;
        done(null, chunk);
      },
    });
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await this.sweep();
      const source = Buffer.isBuffer(content) ? Readable.from(slices(content)) : content;
      await pipeline(source, measure, createWriteStream(partial, { mode: 0o600, flags: "wx" }));
      const now = this.#clock.now() / 1000;
      await utimes(partial, now, now);
      await rename(partial, path);
    } catch (error) {
      await unlink(partial).catch(() => undefined);
      if (error instanceof AppError) throw error;
      throw new AppError("storage", `${this.#folder} cannot be written.`, { cause: error });
    }
    return { name, sha256: hash.digest("hex"), sizeBytes };
  }

  /** Whether anything is still to be served. */
  async isInUse(): Promise<boolean> {
    await this.sweep();
    return (await this.#names()).length > 0;
  }

  /** Removes what nobody may fetch any more. */
  async sweep(): Promise<void> {
    for (const name of await this.#names()) {
      const path = join(this.#folder, name);
      const found = await stat(path).catch(() => undefined);
      if (found && this.#isOver(found.mtimeMs)) await unlink(path).catch(() => undefined);
    }
  }

  /** Answers a request for a hosted file, and nothing else. */
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const name = pathname.slice(pathname.lastIndexOf("/") + 1);
    const extension = NAME.exec(name)?.[1];
    if (extension === undefined || !pathname.endsWith(HOSTED_PATH + name)) return nothing(404);
    if (request.method !== "GET" && request.method !== "HEAD") return nothing(405);
    const path = join(this.#folder, name);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile() || this.#isOver(found.mtimeMs)) return nothing(404);
    const headers = {
      "content-type": TYPES[extension] ?? "application/octet-stream",
      "content-length": String(found.size),
      "cache-control": "private, no-store",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
    };
    if (request.method === "HEAD") return new Response(null, { headers });
    return new Response(Readable.toWeb(createReadStream(path)), { headers });
  }

  async #names(): Promise<string[]> {
    return (await readdir(this.#folder).catch(() => [])).filter((name) => NAME.test(name));
  }

  #isOver(publishedMs: number): boolean {
    return this.#clock.now() - publishedMs > HOSTED_FOR_MS;
  }
}

export interface PublicAddress {
  /** Without a trailing slash. */
  url: string;
  /**
   * Makes sure that a hosted file is served there.
   * @throws {configuration}
   */
  serve(name: string): Promise<void>;
}

/** This server as the host of its own files. */
export class OwnHosting implements Hosting {
  readonly #folder: HostedFolder;
  readonly #address: PublicAddress | undefined;

  /** @param address `undefined` where none is set. */
  constructor(folder: HostedFolder, address: PublicAddress | undefined) {
    this.#folder = folder;
    this.#address = address;
  }

  get isAvailable(): boolean {
    return this.#address !== undefined;
  }

  async publish(content: Buffer | Readable, extension: string): Promise<HostedFile> {
    if (!this.#address) {
      throw new AppError("configuration", "This server has no public address for files.");
    }
    const { name, sha256, sizeBytes } = await this.#folder.add(content, extension);
    await this.#address.serve(name);
    return { url: this.#address.url + HOSTED_PATH + name, sha256, sizeBytes };
  }
}

function nothing(status: number): Response {
  return new Response(null, { status });
}

const SLICE_BYTES = 256 * 1024;

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    yield bytes.subarray(at, at + SLICE_BYTES);
  }
}
