import { createHash, createHmac, randomBytes } from "node:crypto";
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { AppError } from "../core/errors.ts";
import { base32, randomToken } from "../core/ids.ts";
import { makeFolder, makeFolderSync } from "../core/make-folder.ts";
import { oneLine } from "../core/text.ts";
import { sendFile } from "./hosted-reply.ts";

/** Inside the data folder. */
export const HOSTED_FOLDER = "hosted";
/** Where hosted files are found below a public address. */
export const HOSTED_PATH = "/files/";

const NAME = /^[a-z2-7]{26}\.([a-z0-9]{1,8})$/;
const TOKEN_BYTES = 16;
const KEY_BYTES = 32;
const SLICE_BYTES = 256 * 1024;
/** What is read of a file that could not be read when it was made: another process makes it. */
const KEY_TRIES = 100;

const STAGING = "staging";
const READY = ".ready";
const PARTIAL = ".partial";

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

/** What is in the folder by now: nothing of a file, its bytes only, or a file that is served. */
export type Stage = "absent" | "ready" | "served";

/**
 * Files that the world may fetch, by names that cannot be guessed. They lie in the data folder, so
 * that any process that shares it can serve them. A file passes three stages, from one to the next
 * by a rename: written (`staging/…`), spoken for by a job (`NAME.ready`), served (`NAME`).
 */
export class HostedFolder {
  readonly path: string;
  readonly #staging: string;
  #key: Buffer | undefined;

  /** @param holder this process, so that others can tell whether it still needs what it writes. */
  constructor(path: string, holder: string) {
    this.path = path;
    this.#staging = join(path, STAGING, Buffer.from(holder).toString("base64url"));
  }

  /**
   * The name under which bytes are served: always the same for the same bytes, and nobody's guess,
   * because it takes this folder's own secret to make it.
   * @throws {storage}
   */
  nameFor(sha256: string, extension: string): string {
    return `${this.#token(`${extension} ${sha256}`)}.${extension}`;
  }

  /** A name that only a process on this folder answers for. @throws {storage} */
  probeName(): string {
    return `${this.#token("probe")}.bin`;
  }

  /**
   * Writes bytes where nobody is served them, and syncs them.
   * @throws {storage} when they cannot be written
   * @throws {invalid_input} when the source breaks off; or whatever AppError it throws
   */
  async write(
    content: Buffer | Readable,
    onBytes: (sizeBytes: number) => void,
  ): Promise<{ path: string; sha256: string; sizeBytes: number }> {
    const path = join(this.#staging, randomToken() + PARTIAL);
    const hash = createHash("sha256");
    let sizeBytes = 0;
    let handle: FileHandle | undefined;
    try {
      await this.#orStorage(() => makeFolder(this.#staging));
      const file = await this.#orStorage(() => open(path, "wx", 0o600));
      handle = file;
      for await (const chunk of unbroken(content)) {
        hash.update(chunk);
        sizeBytes += chunk.length;
        onBytes(sizeBytes);
        await this.#orStorage(() => file.writeFile(chunk));
      }
      await this.#orStorage(() => file.sync());
      await file.close();
      return { path, sha256: hash.digest("hex"), sizeBytes };
    } catch (error) {
      if (content instanceof Readable) content.destroy();
      await handle?.close().catch(() => undefined);
      await unlink(path).catch(() => undefined);
      throw error;
    }
  }

  /** Gives written bytes their name, without serving them yet. */
  makeReady(writtenPath: string, name: string): void {
    if (this.stage(name) === "absent") renameSync(writtenPath, join(this.path, name + READY));
    else rmSync(writtenPath, { force: true });
  }

  /** Serves a file that is ready. */
  serve(name: string): void {
    renameSync(join(this.path, name + READY), join(this.path, name));
  }

  stage(name: string): Stage {
    if (existsSync(join(this.path, name))) return "served";
    return existsSync(join(this.path, name + READY)) ? "ready" : "absent";
  }

  remove(name: string): void {
    for (const suffix of ["", READY]) rmSync(join(this.path, name + suffix), { force: true });
  }

  /** The names that are ready or served, and when their bytes were written. */
  names(): { name: string; writtenMs: number }[] {
    return entriesOf(this.path).flatMap((entry) => {
      const name = entry.endsWith(READY) ? entry.slice(0, -READY.length) : entry;
      const found = NAME.test(name) ? statOf(join(this.path, entry)) : undefined;
      return found ? [{ name, writtenMs: found.mtimeMs }] : [];
    });
  }

  /**
   * Removes what processes that are gone have left half written.
   * @param oldMs files of processes of which nobody can tell are removed once they are so old.
   */
  sweepStaging(isGone: (holder: string) => boolean, now: number, oldMs: number): void {
    // Earlier versions wrote beside the finished files; none of that is finished any more.
    for (const entry of entriesOf(this.path)) {
      if (entry.endsWith(PARTIAL)) rmSync(join(this.path, entry), { force: true });
    }
    for (const entry of entriesOf(join(this.path, STAGING))) {
      const folder = join(this.path, STAGING, entry);
      if (folder === this.#staging) continue;
      if (isGone(Buffer.from(entry, "base64url").toString())) {
        rmSync(folder, { recursive: true, force: true });
        continue;
      }
      for (const name of entriesOf(folder)) {
        const found = statOf(join(folder, name));
        if (found && now - found.mtimeMs > oldMs) rmSync(join(folder, name), { force: true });
      }
    }
  }

  /** Answers a GET or HEAD for a hosted file. @param name as it was asked for. */
  async answer(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    const extension = NAME.exec(name)?.[1];
    const nothing = () => void response.writeHead(404, { "content-length": "0" }).end();
    if (extension === undefined) return nothing();
    if (name === this.probeName()) {
      response.writeHead(200, { "content-length": "0" }).end();
      return;
    }
    const handle = await open(join(this.path, name), "r").catch(() => undefined);
    if (!handle) return nothing();
    const found = await handle.stat();
    if (!found.isFile()) {
      await handle.close();
      return nothing();
    }
    await sendFile(request, response, {
      handle,
      sizeBytes: found.size,
      mimeType: TYPES[extension] ?? "application/octet-stream",
      etag: `"${createHash("sha256").update(name).digest("hex").slice(0, 32)}"`,
    });
  }

  #token(text: string): string {
    const mac = createHmac("sha256", this.#secret()).update(text).digest();
    return base32(mac.subarray(0, TOKEN_BYTES));
  }

  #secret(): Buffer {
    this.#key ??= this.#readKey();
    return this.#key;
  }

  #readKey(): Buffer {
    const path = join(this.path, "key");
    try {
      makeFolderSync(this.path);
      for (let tries = 0; tries < KEY_TRIES; tries++) {
        const known = existsSync(path) ? readFileSync(path) : undefined;
        if (known?.length === KEY_BYTES) return known;
        if (known) continue;
        try {
          writeFileSync(path, randomBytes(KEY_BYTES), { flag: "wx", mode: 0o600, flush: true });
        } catch (error) {
          if (!existsSync(path)) throw error;
        }
      }
      // Somebody was stopped in the middle of it.
      const whole = path + PARTIAL;
      writeFileSync(whole, randomBytes(KEY_BYTES), { mode: 0o600, flush: true });
      renameSync(whole, path);
      return readFileSync(path);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #orStorage<T>(work: () => Promise<T>): Promise<T> {
    return work().catch((error: unknown) => {
      throw this.#failed(error);
    });
  }

  #failed(cause: unknown): AppError {
    return new AppError("storage", `${oneLine(this.path)} cannot be written.`, {
      cause,
      next: "Make room there or choose another LONGCAT_MCP_DATA_DIR; nothing was sent.",
    });
  }
}

/** Bytes piece by piece. @throws {invalid_input} when their source fails. */
async function* unbroken(content: Buffer | Readable): AsyncGenerator<Buffer> {
  if (Buffer.isBuffer(content)) {
    for (let at = 0; at < content.length; at += SLICE_BYTES) {
      yield content.subarray(at, at + SLICE_BYTES);
    }
    return;
  }
  try {
    for await (const chunk of content) yield Buffer.from(chunk);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("invalid_input", "The file could not be read to its end.", { cause: error });
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function statOf(path: string): { mtimeMs: number } | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
