import type { Readable } from "node:stream";
import { type AppError, toAppError } from "../core/errors.ts";
import type { Hosting } from "./hosting.ts";
import type { StagedFile } from "./hosting-record.ts";

/** Goes through all that hosting would do with files, and leaves no trace of it. */
export class HostingRehearsal implements Hosting {
  readonly #real: Hosting;
  readonly #refusals = new Map<string, AppError>();

  constructor(real: Hosting) {
    this.#real = real;
  }

  /** What the real one would have thrown for want of a public address. */
  get refusals(): readonly AppError[] {
    return [...this.#refusals.values()];
  }

  get served(): string {
    return this.#real.served;
  }

  async requireAddress(refusal: AppError): Promise<void> {
    try {
      await this.#real.requireAddress(refusal);
    } catch (error) {
      const thrown = toAppError(error);
      this.#refusals.set(thrown.message, thrown);
    }
  }

  stage(owner: string, content: Buffer | Readable, extension: string): Promise<StagedFile> {
    return this.#real.measure(owner, content, extension);
  }

  measure(owner: string, content: Buffer | Readable, extension: string): Promise<StagedFile> {
    return this.#real.measure(owner, content, extension);
  }

  checkQuota(owner: string, files: readonly StagedFile[]): Promise<void> {
    return this.#real.checkQuota(owner, files);
  }

  async discard(): Promise<void> {}
}
