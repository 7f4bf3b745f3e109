import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { AppError } from "../core/errors.ts";
import { byteCount } from "../core/text.ts";
import { unbroken } from "./hosted-folder.ts";
import type { HostingRecord, StagedFile } from "./hosting-record.ts";

export interface QuotaOptions {
  record: HostingRecord;
  /** The most that may be hosted at a time. */
  maxBytes: number;
  /** The most of it that one owner's jobs may need; all of it when absent. */
  maxOwnBytes?: ((owner: string) => number | undefined) | undefined;
}

interface Limits {
  maxBytes: number;
  maxOwnBytes: number;
}

/** How much may be hosted, wherever it is. */
export class HostedQuota {
  readonly #options: QuotaOptions;
  readonly #makeRoom: () => Promise<void>;
  #stagingBytes = 0;

  /** @param makeRoom removes what nobody needs any more, before somebody is refused. */
  constructor(options: QuotaOptions, makeRoom: () => Promise<void>) {
    this.#options = options;
    this.#makeRoom = makeRoom;
  }

  /**
   * Counts what is being staged beside everything else that is.
   * @param work is told whom to tell how much it has by now.
   * @throws {storage} as soon as it is too much
   */
  async whileStaging<T>(
    owner: string,
    work: (onBytes: (sizeBytes: number) => void) => Promise<T>,
  ): Promise<T> {
    const limits = this.#limits(owner);
    let counted = 0;
    try {
      return await work((sizeBytes) => {
        this.#stagingBytes += sizeBytes - counted;
        counted = sizeBytes;
        const isTooMuch = this.#stagingBytes > limits.maxBytes || sizeBytes > limits.maxOwnBytes;
        if (isTooMuch) throw overQuota(limits, sizeBytes);
      });
    } finally {
      this.#stagingBytes -= counted;
    }
  }

  /** Reads all of a content, and keeps nothing. @throws {storage | invalid_input} */
  async measure(
    owner: string,
    content: Buffer | Readable,
  ): Promise<{ sha256: string; sizeBytes: number }> {
    const limits = this.#limits(owner);
    const hash = createHash("sha256");
    let sizeBytes = 0;
    for await (const chunk of unbroken(content)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > limits.maxOwnBytes) throw overQuota(limits, sizeBytes);
    }
    return { sha256: hash.digest("hex"), sizeBytes };
  }

  /** @throws {storage} where a job could not need these. */
  async check(owner: string, files: readonly StagedFile[]): Promise<void> {
    const { record } = this.#options;
    const claim = { owner, jobId: "", files, ...this.#limits(owner) };
    if (files.length === 0 || (await record.wouldClaim(claim)).isNoted) return;
    await this.#makeRoom();
    const { isNoted, usedBytes, addedBytes } = await record.wouldClaim(claim);
    if (!isNoted) throw overQuota(claim, addedBytes, usedBytes);
  }

  /** Notes what a job needs. @throws {storage} where that is too much */
  async claim(
    owner: string,
    jobId: string,
    files: readonly StagedFile[],
    place: (file: StagedFile) => Promise<void>,
  ): Promise<void> {
    const { record } = this.#options;
    const claim = { owner, jobId, files, ...this.#limits(owner) };
    if ((await record.claim(claim, place)).isNoted) return;
    await this.#makeRoom();
    const { isNoted, usedBytes, addedBytes } = await record.claim(claim, place);
    if (!isNoted) throw overQuota(claim, addedBytes, usedBytes);
  }

  #limits(owner: string): Limits {
    const { maxBytes, maxOwnBytes } = this.#options;
    return { maxBytes, maxOwnBytes: Math.min(maxBytes, maxOwnBytes?.(owner) ?? maxBytes) };
  }
}

/** @param usedBytes what the same owner's jobs need: of other owners' nothing is told. */
function overQuota({ maxBytes, maxOwnBytes }: Limits, addedBytes: number, usedBytes = 0): AppError {
  const used = usedBytes === 0 ? "" : `, and running jobs need ${byteCount(usedBytes)} already`;
  const isOwn = maxOwnBytes < maxBytes && addedBytes + usedBytes > maxOwnBytes;
  const most = isOwn ? maxOwnBytes : maxBytes;
  const left = addedBytes + usedBytes > most ? "" : "is left at the moment of ";
  const whose = isOwn ? " for one user" : "";
  const setting = isOwn ? "LONGCAT_MCP_HOSTED_BYTES_PER_USER" : "LONGCAT_MCP_HOSTED_BYTES";
  return new AppError(
    "storage",
    `The files for the provider have ${byteCount(addedBytes)}${used}: more than ${left}the ${byteCount(most)} that may be hosted${whose} at a time.`,
    {
      next: `Wait until running jobs have ended, send less, give a public https URL instead, or ask the user to raise ${setting}; nothing was sent.`,
    },
  );
}
