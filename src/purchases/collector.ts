import pLimit from "p-limit";
import { delay } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import type { Job, Medium, WholeJob } from "../jobs/job.ts";
import { errorOf, moveSurely, surely } from "../jobs/transitions.ts";
import { DownloadFailure, discardPartial, download } from "../media/download.ts";
import type { MediaNaming } from "../media/media-store.ts";
import { missingMedia } from "../media/missing.ts";
import { pictureFacts } from "../media/preview.ts";
import type { AnyOperation } from "../models/operation.ts";
import { filesWanted, imagesAsked } from "./keeping.ts";
import { makeLayerExtras } from "./layering.ts";
import { GIVE_UP_MS } from "./pace.ts";
import type { PurchaseContext } from "./purchase-context.ts";

const MAX_CONCURRENT_DOWNLOADS = 64;
const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;
/** A content network may need a moment until a new file is everywhere: six tries are a minute. */
const TRIES_WHEN_GONE = 6;

type RemoteFile = Pick<Medium, "url" | "index">;

/** Brings finished files home and completes their jobs. */
export class Collector {
  readonly #context: PurchaseContext;
  readonly #limit = pLimit(MAX_CONCURRENT_DOWNLOADS);
  /** What stops the work on each job. */
  readonly #atWork = new Map<string, AbortController>();

  constructor(context: PurchaseContext) {
    this.#context = context;
  }

  /**
   * Downloads what is missing of a `downloading` job, for as long as its files may exist.
   * @returns the ended job; `downloading` still only when the server is stopping or another process
   *   has taken it over.
   */
  async collect(job: Job, operation: AnyOperation | undefined): Promise<Job> {
    const leaving = new AbortController();
    this.#atWork.get(job.jobId)?.abort();
    this.#atWork.set(job.jobId, leaving);
    try {
      return await this.#collect(job, operation, leaving.signal);
    } finally {
      if (this.#atWork.get(job.jobId) === leaving) this.#atWork.delete(job.jobId);
    }
  }

  /** Leaves all jobs but these to whoever holds them now. */
  keepOnly(jobIds: ReadonlySet<string>): void {
    for (const [jobId, leaving] of this.#atWork) if (!jobIds.has(jobId)) leaving.abort();
  }

  async #collect(
    arrived: Job,
    operation: AnyOperation | undefined,
    lost: AbortSignal,
  ): Promise<Job> {
    const { stopping, media: files } = this.#context;
    const job = await this.#whole(arrived);
    if (job.orphaned) await files.clearDrafts(job);
    const media = [...job.media];
    const missing = job.mediaUrls.slice(0, filesWanted(job)).flatMap((url, position) => {
      const index = position + 1;
      return media.some((one) => one.index === index) ? [] : [{ url, index }];
    });
    const failures = await Promise.all(
      missing.map((file) =>
        this.#fetch(job, operation, file, lost)
          .then(async (medium) => {
            media.push(medium);
            media.sort((a, b) => a.index - b.index);
            await this.#note(job, media);
            return undefined;
          })
          .catch((error: unknown) => error),
      ),
    );
    if (lost.aborted) return this.#giveWay(job, media);
    if (stopping.aborted) return job;
    const failure = failures.find((one) => one !== undefined);
    return failure === undefined ? this.#complete(job, media, operation) : this.#fail(job, failure);
  }

  /** With what was asked for, after which files are named. */
  async #whole(job: Job): Promise<WholeJob> {
    const read = () => this.#context.store.get(job.owner, job.jobId);
    const { input = {}, wire = null } = (await surely(this.#context, job.jobId, read)) ?? {};
    return { ...job, input, wire };
  }

  /** Tries again and again, and goes on where a try broke off. */
  async #fetch(
    job: WholeJob,
    operation: AnyOperation | undefined,
    file: RemoteFile,
    lost: AbortSignal,
  ): Promise<Medium> {
    const { clock } = this.#context;
    const { index } = file;
    const over = AbortSignal.any([this.#context.stopping, lost]);
    const startedAt = clock.elapsed();
    return this.#throughDraft(job, index, async (draft) => {
      for (let tries = 0; ; tries++) {
        try {
          return await this.#limit(() => this.#fetchOnce(job, operation, file, draft, lost));
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

  /** Works on a hidden file of its own, of which nothing stays behind when it cannot be kept. */
  async #throughDraft(
    job: WholeJob,
    index: number,
    work: (draft: string) => Promise<Medium>,
  ): Promise<Medium> {
    const draft = this.#context.media.newDraft(namingOf(job, index));
    try {
      return await work(draft);
    } catch (error) {
      await discardPartial(draft);
      throw error;
    }
  }

  async #fetchOnce(
    job: WholeJob,
    operation: AnyOperation | undefined,
    { url, index }: RemoteFile,
    draft: string,
    signal?: AbortSignal,
  ): Promise<Medium> {
    const { media } = this.#context;
    const naming = namingOf(job, index);
    const weights = operation?.media === "weights";
    await media.prepareDraft(draft);
    this.#context.reached("before-download");
    const got = await download(url, draft, weights, { ...this.#context, signal });
    const facts = got.isPicture && !weights ? await pictureFacts(draft) : undefined;
    this.#context.reached("before-rename");
    const path = await media.keep(draft, { ...naming, extension: got.extension });
    this.#context.reached("after-rename");
    return {
      index,
      url,
      path,
      mimeType: got.mimeType,
      ...facts,
      sizeBytes: got.sizeBytes,
      sha256: got.sha256,
      copies: [],
    };
  }

  async #complete(
    job: WholeJob,
    fetched: readonly Medium[],
    operation: AnyOperation | undefined,
  ): Promise<Job> {
    const warnings = [...job.warnings];
    const asked = imagesAsked(job);
    if (operation?.media === "images" && fetched.length < asked) {
      warnings.push(`${fetched.length} of the ${asked} pictures asked for came.`);
    }
    const extras = await this.#extras(job, operation, fetched, warnings);
    const media = await this.#copy(job, [...fetched, ...extras], warnings);
    const bought = job.charge === "reserved";
    this.#context.reached("before-completed");
    const completed = await moveSurely(this.#context, job, "completed", {
      media,
      warnings,
      charge: bought ? "spent" : job.charge,
      costUsd: bought ? job.reservedUsd : null,
      completedAt: this.#context.clock.now(),
      upstreamStatus: null,
      error: null,
    });
    return completed ?? this.#giveWay(job, media);
  }

  /** What is made of a job's own files; without it the job is as good. */
  async #extras(
    job: WholeJob,
    operation: AnyOperation | undefined,
    fetched: readonly Medium[],
    warnings: string[],
  ): Promise<Medium[]> {
    if (operation?.media !== "layers" || fetched.length === 0) return [];
    try {
      return await makeLayerExtras(this.#context.media, job, fetched, namingOf(job, 0));
    } catch (error) {
      this.#context.log.warn({ job: job.jobId, err: error }, "layers were not composed");
      const reason = error instanceof AppError ? error.message : "one of them cannot be decoded.";
      warnings.push(`The layers could not be laid over each other: ${reason}`);
      return [];
    }
  }

  /**
   * Fetches again what is missing of a completed job's files, and makes again what is made of them.
   * @throws {media_expired | bad_upstream_reply | storage} when one cannot be had as it was.
   */
  async restore(job: WholeJob, operation: AnyOperation | undefined): Promise<WholeJob> {
    const { store, events, clock } = this.#context;
    const gone = await missingMedia(this.#context.media, job);
    if (gone.length === 0) return job;
    await this.#context.media.clearDrafts(job);
    const own = await Promise.all(
      job.media
        .filter((medium) => medium.role === undefined)
        .map(async (medium) => {
          if (!gone.includes(medium)) return medium;
          const again = await this.#throughDraft(job, medium.index, (draft) =>
            this.#limit(() => this.#fetchOnce(job, operation, medium, draft)),
          ).catch((error: unknown) => {
            throw asJobError(error);
          });
          if (again.sha256 === medium.sha256) return { ...again, copies: medium.copies };
          await this.#discard(job, [again]);
          throw new AppError(
            "bad_upstream_reply",
            `${oneLine(medium.url)} serves another file now, so it was not kept.`,
          );
        }),
    );
    const extras = job.media.filter((medium) => medium.role !== undefined);
    const isWhole = !extras.some((medium) => gone.includes(medium));
    const made = isWhole ? extras : await this.#extras(job, operation, own, []);
    const media = [...own, ...made];
    const restored = await store.patch(job.owner, job.jobId, { media }, clock.now());
    events.publish(restored);
    return { ...job, ...restored };
  }

  /** A copy that cannot be made costs nothing but the copy: the original is kept. */
  async #copy(job: Job, media: readonly Medium[], warnings: string[]): Promise<Medium[]> {
    if (job.saveTo === null) return [...media];
    try {
      const originals = media.map((one) => one.path);
      const copies = await this.#context.saving.copyTo(job.saveTo, job.owner, originals);
      return media.map((one, i) => ({ ...one, copies: copies.slice(i, i + 1) }));
    } catch (error) {
      const reason = error instanceof AppError ? error.message : "it could not be written";
      warnings.push(`\`save_to\` was not done: ${reason}`);
      return [...media];
    }
  }

  async #fail(job: Job, failure: unknown): Promise<Job> {
    const error = asJobError(failure);
    this.#context.log.error({ job: job.jobId, err: failure }, "files cannot be had");
    const failed = await moveSurely(this.#context, job, "failed", {
      charge: job.charge === "reserved" ? "spent" : job.charge,
      error: errorOf(error),
      completedAt: this.#context.clock.now(),
    });
    return failed ?? job;
  }

  /** A note of what has arrived so far; what it misses comes again with the last one. */
  async #note(job: Job, media: Medium[]): Promise<void> {
    const { store, events, clock, log } = this.#context;
    try {
      const { owner, jobId, state } = job;
      const step = { from: state, to: state, patch: { media }, now: clock.now() };
      const noted = await store.transition(owner, jobId, step);
      if (noted) events.publish(noted);
    } catch (error) {
      log.error({ job: job.jobId, err: error }, "progress was not recorded");
    }
  }

  /** Another process that took this one for lost has been faster: its files count, not these. */
  async #giveWay(job: Job, fetched: readonly Medium[]): Promise<Job> {
    const { store } = this.#context;
    const current = (await store.get(job.owner, job.jobId)) ?? job;
    const counted = new Set(current.media.map((medium) => medium.path));
    await this.#discard(
      job,
      fetched.filter(({ path }) => !counted.has(path)),
    );
    return current;
  }

  /** A file that nothing refers to and that cannot be deleted does no harm. */
  async #discard({ owner, jobId }: Job, fetched: readonly Medium[]): Promise<void> {
    const { media, log } = this.#context;
    for (const { path } of fetched) {
      await media.delete(owner, path).catch((error: unknown) => {
        log.warn({ job: jobId, err: error }, "a file that nothing refers to was not deleted");
      });
    }
  }
}

/** What a job's file is named after. */
function namingOf(job: WholeJob, index: number): Omit<MediaNaming, "extension"> {
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

function asJobError(failure: unknown): AppError {
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
