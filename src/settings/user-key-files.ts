import { constants } from "node:fs";
import { type FileHandle, open, readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { missingOwnKey, SERVICE_KEYS, type ServiceKey } from "../core/service-keys.ts";
import { key as keyForm } from "./forms.ts";
import { cleanValue, isPlaceholderKey } from "./raw.ts";

/** Far longer than any key. */
const MAX_KEY_FILE_BYTES = 4_096;
const OTHERS_MAY_WRITE = 0o002;
const OTHERS_MAY_READ = 0o044;
/** How long a key may lie there before it is known as one that must not be shown. */
const LEARN_EVERY_MS = 10_000;
const FOLDER_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export interface KeyFilesOptions {
  /** Has a folder for each user, by name. Absolute. */
  folder: string;
  clock: Clock;
  log: Log;
  /** Told every key that is found, so that it is shown nowhere. */
  learn: (keys: readonly string[]) => void;
}

/**
 * The keys that users have of their own, in files that are read whenever a key is used: a key that
 * is put there, replaced or taken away counts from the next request on.
 */
export class KeyFiles {
  readonly #options: KeyFilesOptions;
  /** Of which it was said that others can read them. */
  readonly #warned = new Set<string>();
  #callOff = () => {};
  #isClosed = false;

  constructor(options: KeyFilesOptions) {
    this.#options = options;
  }

  /** Learns the keys that there are, and from time to time those that came; used or not. */
  async open(): Promise<void> {
    await this.#learnAll();
    if (this.#isClosed) return;
    this.#callOff = this.#options.clock.schedule(LEARN_EVERY_MS, () => void this.open());
  }

  close(): void {
    this.#isClosed = true;
    this.#callOff();
  }

  /** @throws {configuration} for a user without a key that can be used; of paths nothing is told. */
  async read(userName: string, key: ServiceKey): Promise<string> {
    const found = await this.#find(userName, key);
    if ("problem" in found) throw missingOwnKey(key, found.problem);
    return found.value;
  }

  async #learnAll(): Promise<void> {
    const names = await readdir(this.#options.folder).catch(() => []);
    for (const name of names) {
      for (const key of SERVICES) await this.#find(name, key).catch(() => undefined);
    }
  }

  async #find(userName: string, key: ServiceKey): Promise<{ value: string } | { problem: string }> {
    if (!FOLDER_NAME.test(userName) || userName.includes("..")) return { problem: "is missing" };
    const file = await this.#open(userName, SERVICE_KEYS[key].env);
    if ("problem" in file) return file;
    try {
      return await this.#valueOf(file.handle, file.path);
    } finally {
      await file.handle.close();
    }
  }

  /** Links lead nowhere but within a user's own folder, as where a cluster mounts its secrets. */
  async #open(
    userName: string,
    name: string,
  ): Promise<{ handle: FileHandle; path: string } | { problem: string }> {
    try {
      const root = join(await realpath(this.#options.folder), userName);
      if ((await realpath(root)) !== root) return { problem: "is in a folder that is a link" };
      const path = await realpath(join(root, name));
      if (!path.startsWith(root + sep)) return { problem: "leads out of the user's folder" };
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      return { handle: await open(path, flags), path };
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      const isThere = code !== "ENOENT" && code !== "ENOTDIR";
      return { problem: isThere ? "cannot be read" : "is missing" };
    }
  }

  async #valueOf(
    handle: FileHandle,
    path: string,
  ): Promise<{ value: string } | { problem: string }> {
    const { size, mode, isFile } = await factsOf(handle);
    if (!isFile) return { problem: "is no file" };
    if (size > MAX_KEY_FILE_BYTES) return { problem: "is too large to be a key" };
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_KEY_FILE_BYTES), 0);
    const text = buffer.toString("utf8", 0, bytesRead).replace(/^\uFEFF/, "");
    const value = cleanValue(text);
    if (value === undefined || isPlaceholderKey(value)) return { problem: "has no key in it" };
    // Whatever it is: it lies where keys lie, and is shown to nobody.
    this.#options.learn(value.split(/\s+/));
    const parsed = keyForm.safeParse(value);
    if (!parsed.success) return { problem: "has characters in it that no key has" };
    this.#options.learn([parsed.data]);
    if ((mode & OTHERS_MAY_WRITE) !== 0) return { problem: "can be changed by everybody" };
    if ((mode & OTHERS_MAY_READ) !== 0 && !this.#warned.has(path)) {
      this.#warned.add(path);
      this.#options.log.warn(
        { path },
        "a user's API key can be read by other users of this machine",
      );
    }
    return { value: parsed.data };
  }
}

const SERVICES: readonly ServiceKey[] = ["apiKey", "chatApiKey"];

async function factsOf(handle: FileHandle) {
  const stats = await handle.stat();
  return { size: stats.size, mode: stats.mode, isFile: stats.isFile() };
}
