import type { Readable } from "node:stream";
import { type AppError, toAppError } from "../core/errors.ts";
import type { Hosting } from "./hosting.ts";
import type { StagedFile } from "./hosting-record.ts";

/**
 * Hosting that says no only once all files were looked at: what is wrong with one of them is told
 * first, whether or not this server has an address.
 */
export class LateRefusal implements Hosting {
  readonly #real: Hosting;
  #refusal: AppError | undefined;

  constructor(real: Hosting) {
    this.#real = real;
  }

  /** @throws what the real one would have thrown for want of a public address */
  settle(): void {
    if (this.#refusal) throw this.#refusal;
  }

  get served(): string {
    return this.#real.served;
  }

  async requireAddress(refusal: AppError): Promise<void> {
    try {
      await this.#real.requireAddress(refusal);
    } catch (error) {
      this.#refusal ??= toAppError(error);
    }
  }

  stage(owner: string, content: Buffer | Readable, extension: string): Promise<StagedFile> {
    return this.#refusal
      ? this.#real.measure(owner, content, extension)
      : this.#real.stage(owner, content, extension);
  }

  measure(owner: string, content: Buffer | Readable, extension: string): Promise<StagedFile> {
    return this.#real.measure(owner, content, extension);
  }

  checkQuota(owner: string, files: readonly StagedFile[]): Promise<void> {
    return this.#real.checkQuota(owner, files);
  }

  async discard(files: readonly StagedFile[]): Promise<void> {
    // Without an address nothing was staged, and what was measured may be another job's.
    if (!this.#refusal) await this.#real.discard(files);
  }
}
