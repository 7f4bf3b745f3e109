import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

const FOLDER = "code-cache";
/** What others can write must not run as this user. */
const OTHERS = 0o077;

/**
 * Compiled code of the program, kept beside the jobs: V8 then neither parses nor compiles what a
 * start needs. It is only ever a copy: whatever is wrong with it, the program is compiled anew.
 */
export class CodeCache {
  readonly #folder: string;
  readonly #name: string;

  /** @param digest of the code that is compiled */
  constructor(dataDir: string, digest: string) {
    this.#folder = join(dataDir, FOLDER);
    this.#name = `${process.version}-${process.arch}-${digest}`;
  }

  /** @returns nothing where there is none, or none that surely is this user's. */
  read(): Buffer | undefined {
    let file: number | undefined;
    try {
      file = openSync(
        join(this.#folder, this.#name),
        constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0),
      );
      const { uid, mode } = fstatSync(file);
      const own = process.getuid?.();
      const isOwn = own === undefined || (uid === own && (mode & OTHERS) === 0);
      return isOwn ? readFileSync(file) : undefined;
    } catch {
      return undefined;
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  /** Keeps compiled code, whole or not at all, and removes what earlier versions kept. */
  write(code: Buffer): void {
    const aside = join(this.#folder, `.${process.pid}`);
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      rmSync(aside, { force: true });
      writeFileSync(aside, code, { mode: 0o600, flag: "wx" });
      renameSync(aside, join(this.#folder, this.#name));
      const ofThisNode = `${process.version}-${process.arch}-`;
      for (const name of readdirSync(this.#folder)) {
        if (name.startsWith(ofThisNode) && name !== this.#name) rmSync(join(this.#folder, name));
      }
    } catch {
      rmSync(aside, { force: true });
    }
  }
}
