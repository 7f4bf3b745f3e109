import { createHmac, randomBytes } from "node:crypto";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import { base32 } from "../core/ids.ts";
import { makeFolder } from "../core/make-folder.ts";
import { oneLine } from "../core/text.ts";

const KEY_FILE = "key";
const TOKEN_BYTES = 16;
const KEY_BYTES = 32;
/** What is read of a file that could not be read when it was made: another process makes it. */
const KEY_TRIES = 100;

/** What the names of a folder's files are made with, so that they are nobody's guess. */
export class HostedNames {
  readonly #folder: string;
  #key: Promise<Buffer> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Always the same for the same bytes of the same owner.
   * @throws {storage}
   */
  async nameFor(owner: string, sha256: string, extension: string): Promise<string> {
    return `${await this.#token(`${owner} ${extension} ${sha256}`)}.${extension}`;
  }

  /** The same where nothing may be written: `undefined` while this folder has no secret. */
  async knownNameFor(
    owner: string,
    sha256: string,
    extension: string,
  ): Promise<string | undefined> {
    const isKnown = await isThere(join(this.#folder, KEY_FILE));
    return isKnown ? this.nameFor(owner, sha256, extension) : undefined;
  }

  /** A name that only a process on this folder answers for. @throws {storage} */
  async probeName(): Promise<string> {
    return `${await this.#token("probe")}.bin`;
  }

  async #token(text: string): Promise<string> {
    this.#key ??= this.#readKey();
    const key = await this.#key.catch((error: unknown) => {
      this.#key = undefined;
      throw cannotBeWritten(this.#folder, error);
    });
    const mac = createHmac("sha256", key).update(text).digest();
    return base32(mac.subarray(0, TOKEN_BYTES));
  }

  async #readKey(): Promise<Buffer> {
    const path = join(this.#folder, KEY_FILE);
    await makeFolder(this.#folder);
    for (let tries = 0; tries < KEY_TRIES; tries++) {
      const known = (await isThere(path)) ? await readFile(path) : undefined;
      if (known?.length === KEY_BYTES) return known;
      if (known) continue;
      try {
        await writeFile(path, randomBytes(KEY_BYTES), { flag: "wx", mode: 0o600, flush: true });
      } catch (error) {
        if (!(await isThere(path))) throw error;
      }
    }
    // Somebody was stopped in the middle of it.
    const whole = `${path}.partial`;
    await writeFile(whole, randomBytes(KEY_BYTES), { mode: 0o600, flush: true });
    await rename(whole, path);
    return readFile(path);
  }
}

/** The error of a folder in which hosted files cannot be kept. */
export function cannotBeWritten(folder: string, cause: unknown): AppError {
  return new AppError("storage", `${oneLine(folder)} cannot be written.`, {
    cause,
    next: "Make room there or choose another LONGCAT_MCP_DATA_DIR; nothing was sent.",
  });
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
