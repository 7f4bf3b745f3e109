import { createHash } from "node:crypto";
import { type FileHandle, open, readdir, rename, rm, stat, unlink } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { AppError } from "../core/errors.ts";
import { TOKEN } from "../core/id-patterns.ts";
import { randomToken } from "../core/ids.ts";
import { makeFolder } from "../core/make-folder.ts";
import { cannotBeWritten, HostedNames } from "./hosted-names.ts";
import { sendFile } from "./hosted-reply.ts";

/** Inside the data folder. */
export const HOSTED_FOLDER = "hosted";
/** Where hosted files are found below a public address. */
export const HOSTED_PATH = "/files/";

const NAME = new RegExp(`^${TOKEN}\\.([a-z0-9]{1,8})$`);
const SLICE_BYTES = 256 * 1024;

const STAGING = "staging";
const READY = ".ready";
const PARTIAL = ".partial";

/** What hosted files are, by their endings. */
export const TYPES: Readonly<Record<string, string>> = {
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
  readonly names: HostedNames;

  /** @param holder this process, so that others can tell whether it still needs what it writes. */
  constructor(path: string, holder: string) {
    this.path = path;
    this.names = new HostedNames(path);
    this.#staging = join(path, STAGING, Buffer.from(holder).toString("base64url"));
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

  /** Forgets what was written and will have no name. */
  async discard(writtenPath: string): Promise<void> {
    await rm(writtenPath, { force: true });
  }

  /** Gives written bytes their name, without serving them yet. */
  async makeReady(writtenPath: string, name: string): Promise<void> {
    const isNew = (await this.stage(name)) === "absent";
    if (isNew) await rename(writtenPath, join(this.path, name + READY));
    else await rm(writtenPath, { force: true });
  }

  /** Serves a file that is ready; one that is served already, or gone, stays so. */
  async serve(name: string): Promise<void> {
    if ((await this.stage(name)) !== "ready") return;
    await rename(join(this.path, name + READY), join(this.path, name));
  }

  async stage(name: string): Promise<Stage> {
    if (await statOf(join(this.path, name))) return "served";
    return (await statOf(join(this.path, name + READY))) ? "ready" : "absent";
  }

  /** @returns the size of a file that is served. */
  async servedBytes(name: string): Promise<number | undefined> {
    return (await statOf(join(this.path, name)))?.size;
  }

  async remove(name: string): Promise<void> {
    for (const suffix of ["", READY]) await rm(join(this.path, name + suffix), { force: true });
  }

  /** The names that are ready or served, and when their bytes were written. */
  async list(): Promise<{ name: string; writtenMs: number }[]> {
    const names: { name: string; writtenMs: number }[] = [];
    for (const entry of await entriesOf(this.path)) {
      const name = entry.endsWith(READY) ? entry.slice(0, -READY.length) : entry;
      const found = NAME.test(name) ? await statOf(join(this.path, entry)) : undefined;
      if (found) names.push({ name, writtenMs: found.mtimeMs });
    }
    return names;
  }

  /**
   * Removes what processes that are gone have left half written.
   * @param oldMs files of processes of which nobody can tell are removed once they are so old.
   */
  async sweepStaging(
    isGone: (holder: string) => boolean,
    now: number,
    oldMs: number,
  ): Promise<void> {
    // Earlier versions wrote beside the finished files; none of that is finished any more.
    for (const entry of await entriesOf(this.path)) {
      if (entry.endsWith(PARTIAL)) await rm(join(this.path, entry), { force: true });
    }
    for (const entry of await entriesOf(join(this.path, STAGING))) {
      const folder = join(this.path, STAGING, entry);
      if (folder === this.#staging) continue;
      if (isGone(Buffer.from(entry, "base64url").toString())) {
        await rm(folder, { recursive: true, force: true });
        continue;
      }
      for (const name of await entriesOf(folder)) {
        const found = await statOf(join(folder, name));
        if (found && now - found.mtimeMs > oldMs) await rm(join(folder, name), { force: true });
      }
    }
  }

  /** Answers a GET or HEAD for a hosted file. @param name as it was asked for. */
  async answer(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    const extension = NAME.exec(name)?.[1];
    const nothing = () => void response.writeHead(404, { "content-length": "0" }).end();
    if (extension === undefined) return nothing();
    if (name === (await this.names.probeName())) {
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
      read: (range) => handle.createReadStream({ ...range, autoClose: false }),
      close: () => handle.close(),
      sizeBytes: found.size,
      mimeType: TYPES[extension] ?? "application/octet-stream",
      etag: `"${createHash("sha256").update(name).digest("hex").slice(0, 32)}"`,
    });
  }

  async #orStorage<T>(work: () => Promise<T>): Promise<T> {
    return work().catch((error: unknown) => {
      throw cannotBeWritten(this.path, error);
    });
  }
}

/** Bytes piece by piece. @throws {invalid_input} when their source fails. */
export async function* unbroken(content: Buffer | Readable): AsyncGenerator<Buffer> {
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

async function entriesOf(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** @returns `undefined` where nothing is. */
async function statOf(path: string): Promise<{ mtimeMs: number; size: number } | undefined> {
  return stat(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
}
