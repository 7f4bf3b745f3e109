import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** Longer than all tests take; what takes longer goes round for ever, which is noticed. */
const LONGEST_MS = 1_200_000;
/** Everything else is copied: tests look at pages and at other files as well. */
const LEFT_OUT = ["node_modules", ".git", "dist"];

/** Tests changes of the program in a copy of it. */
export class Tester {
  readonly #copy: string;
  #runner: ChildProcess | undefined;

  private constructor(copy: string) {
    this.#copy = copy;
  }

  static async open(): Promise<Tester> {
    // Not below `node_modules`, where the runner takes nothing for a source.
    const copy = await mkdtemp(join(await realpath(tmpdir()), "mutate-"));
    for (const name of await readdir(".")) {
      if (!LEFT_OUT.includes(name)) await cp(name, join(copy, name), { recursive: true });
    }
    await symlink(resolve("node_modules"), join(copy, "node_modules"));
    return new Tester(copy);
  }

  async close(): Promise<void> {
    this.#runner?.kill();
    await rm(this.#copy, { recursive: true, force: true });
  }

  /** Tests that fail anyhow, or pass whatever happens, would say nothing of any change. */
  async requireTelling(file: string): Promise<void> {
    if (!(await this.passes(file, (text) => text, "near"))) {
      throw new Error(`The tests of ${file} fail without a change.`);
    }
    if (await this.passes(file, (text) => `${text}\nthrow new Error("broken");\n`, "near")) {
      throw new Error(`The tests of ${file} pass without it.`);
    }
  }

  /**
   * Whether tests that reach a file pass with what is made of it.
   * @param which those of its room and those that import it themselves, or all the others.
   */
  async passes(
    file: string,
    change: (text: string) => string,
    which: "near" | "far",
  ): Promise<boolean> {
    const path = join(this.#copy, file);
    const text = await readFile(path, "utf8");
    await writeFile(path, change(text));
    const runner = this.#runner ?? (await this.#start());
    runner.send({ file: path, isNear: which === "near" });
    const tooLong = AbortSignal.timeout(LONGEST_MS);
    try {
      const [{ isGood }] = await once(runner, "message", { signal: tooLong });
      return isGood === true;
    } catch {
      runner.kill("SIGKILL");
      this.#runner = undefined;
      return false;
    } finally {
      await writeFile(path, text);
    }
  }

  async #start(): Promise<ChildProcess> {
    const runner = fork(resolve("scripts/mutation/related.mjs"), [this.#copy], {
      cwd: this.#copy,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#runner = runner;
    await once(runner, "message");
    return runner;
  }
}
