import { delay } from "../core/clock.ts";
import { AppError, toAppError } from "../core/errors.ts";
import { FairGate } from "../core/fair-gate.ts";
import type { Medium, WholeJob } from "../jobs/job.ts";
import { DownloadFailure } from "../media/download-failure.ts";
import { fetchFile } from "../media/fetch-file.ts";
import type { KeepOptions, MediaNaming } from "../media/media-store.ts";
import { PartialFile } from "../media/partial-file.ts";
import type { AnyOperation } from "../models/operation.ts";
import { GIVE_UP_MS } from "./pace.ts";
import type { PurchaseContext } from "./purchase-context.ts";

/** Of all owners; one alone gets 64. */
const MAX_CONCURRENT_DOWNLOADS = 72;
const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;
/** A content network may need a moment until a new file is everywhere: six tries are a minute. */
const TRIES_WHEN_GONE = 6;

export type RemoteFile = Pick<Medium, "url" | "index">;

/** Fetches single files of jobs, some at a time and the owners by turns. */
export class Fetcher {
  readonly #context: PurchaseContext;
  readonly #gate = new FairGate(MAX_CONCURRENT_DOWNLOADS);

  constructor(context: PurchaseContext) {
    this.#context = context;
  }

  /**
   * Tries again and again, and goes on where a try broke off.
   * @param over aborts when nobody here wants it any more.
   */
  async fetch(
    job: WholeJob,
    operation: AnyOperation | undefined,
    file: RemoteFile,
    over: AbortSignal,
  ): Promise<Medium> {
    const { clock } = this.#context;
    const { index } = file;
    const startedAt = clock.elapsed();
    return this.#throughDraft(job, file, async (partial) => {
      for (let tries = 0; ; tries++) {
        try {
          const how = patiently(this.#context, job, over);
          return await this.#gate.run(job.owner, () =>
            this.#download(job, operation, { index, tries }, partial, how),
          );
        } catch (error) {
          const reason = error instanceof Error ? error.message : "unknown";
          this.#context.log.warn({ job: job.jobId, index, tries, reason }, "download failed");
          if (over.aborted || isHopeless(error, tries + 1, clock.elapsed() - startedAt)) {
            throw error;
          }
          this.#context.events.holdUp(job.jobId, `File ${index} is not here yet: ${reason}`);
        }
        const backoff = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(tries, 10));
        await delay(clock, backoff * this.#context.timeScale, over);
      }
    });
  }

  /** Tries once. @throws what `jobErrorOf` explains. */
  async fetchOnce(
    job: WholeJob,
    operation: AnyOperation | undefined,
    file: RemoteFile,
  ): Promise<Medium> {
    return this.#throughDraft(job, file, (partial) =>
      this.#gate.run(job.owner, () =>
        this.#download(job, operation, { index: file.index, tries: 0 }, partial, { once: true }),
      ),
    );
  }

  /** Works on a hidden file of its own, of which nothing stays behind when it cannot be kept. */
  async #throughDraft(
    job: WholeJob,
    { url, index }: RemoteFile,
    work: (partial: PartialFile) => Promise<Medium>,
  ): Promise<Medium> {
    const partial = new PartialFile(url, this.#context.media.newDraft(namingOf(job, index)));
    try {
      return await work(partial);
    } catch (error) {
      await partial.discard();
      throw error;
    }
  }

  async #download(
    job: WholeJob,
    operation: AnyOperation | undefined,
    { index, tries }: { index: number; tries: number },
    partial: PartialFile,
    how: KeepOptions,
  ): Promise<Medium> {
    const weights = operation?.media === "weights";
    const wanted = { naming: namingOf(job, index), weights, isFirstTry: tries === 0 };
    const { ref, mimeType, facts, sizeBytes, sha256 } = await fetchFile(
      partial,
      wanted,
      this.#context,
      how,
      (work) =>
        this.#context.timings.time(
          "download",
          operation?.name ?? "unknown",
          work,
          () => "ok",
          (error) => (error instanceof DownloadFailure ? error.kind : toAppError(error).code),
        ),
    );
    const { url } = partial;
    return { index, url, path: ref, mimeType, ...facts, sizeBytes, sha256, copies: [] };
  }
}

/** As somebody keeps a job's files whom nobody waits for: until it is done, or the job is another's. */
export function patiently(
  { events, stopping }: Pick<PurchaseContext, "events" | "stopping">,
  { jobId }: Pick<WholeJob, "jobId">,
  over = stopping,
): KeepOptions {
  return {
    signal: over,
    waiting: (why) => events.holdUp(jobId, why),
  };
}

/** What a job's file is named after. */
export function namingOf(
  job: WholeJob,
  index: MediaNaming["index"],
): Omit<MediaNaming, "extension"> {
  const words = [job.input["prompt"], job.input["default_caption"]].find(
    (text) => typeof text === "string",
  );
  return {
    operation: job.operation,
    words: String(words ?? ""),
    owner: job.owner,
    jobId: job.jobId,
    index,
    createdAt: job.createdAt,
  };
}

/** What it means for a job that a file of it cannot be had. */
export function jobErrorOf(failure: unknown): AppError {
  if (failure instanceof AppError) return failure;
  if (failure instanceof DownloadFailure && failure.kind !== "refused") {
    if (failure.kind === "unusable") {
      return new AppError(
        "bad_upstream_reply",
        `The finished file is not one: ${failure.message}.`,
      );
    }
    return new AppError(
      "media_expired",
      `The job finished, but its file cannot be fetched any more: ${failure.message}.`,
      { cause: failure },
    );
  }
  const reason = failure instanceof DownloadFailure ? failure.message : "an internal error";
  return new AppError("bad_upstream_reply", `The finished file was not fetched: ${reason}.`, {
    cause: failure,
  });
}

/** Whether another try of a download can change anything. */
function isHopeless(error: unknown, tries: number, triedForMs: number): boolean {
  if (error instanceof AppError) return error.code !== "storage";
  if (!(error instanceof DownloadFailure) || error.kind === "refused") return true;
  return error.kind === "transient" ? triedForMs >= GIVE_UP_MS : tries >= TRIES_WHEN_GONE;
}
