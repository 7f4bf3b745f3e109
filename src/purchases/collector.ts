import { onAbort } from "../core/aborting.ts";
import { AppError } from "../core/errors.ts";
import type { Job, Medium, WholeJob } from "../jobs/job.ts";
import { errorOf, moveSurely, surely } from "../jobs/transitions.ts";
import type { AnyOperation } from "../models/operation.ts";
import { Fetcher, jobErrorOf } from "./fetcher.ts";
import { filesWanted, imagesAsked } from "./keeping.ts";
import { layerExtras } from "./layering.ts";
import type { PurchaseContext } from "./purchase-context.ts";
import { discardMedia, restoreMedia } from "./restoring.ts";

/** The work on the files of one job. */
class Work {
  readonly #over = new AbortController();
  /** Whether the job is somebody else's by now. */
  isLost = false;

  /** Aborts when it is not to be gone on with here. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  stop(): void {
    this.#over.abort();
  }

  lose(): void {
    this.isLost = true;
    this.stop();
  }
}

/** Brings finished files home and completes their jobs. */
export class Collector {
  readonly #context: PurchaseContext;
  readonly #fetcher: Fetcher;
  readonly #atWork = new Map<string, Work>();

  constructor(context: PurchaseContext) {
    this.#context = context;
    this.#fetcher = new Fetcher(context);
  }

  /**
   * Downloads what is missing of a `downloading` job, for as long as its files may exist.
   * @returns the ended job; `downloading` still only when the server is stopping or another process
   *   has taken it over.
   */
  async collect(job: Job, operation: AnyOperation | undefined): Promise<Job> {
    const work = new Work();
    this.#atWork.get(job.jobId)?.lose();
    this.#atWork.set(job.jobId, work);
    const release = onAbort(this.#context.stopping, () => work.stop());
    try {
      return await this.#collect(job, operation, work);
    } finally {
      release();
      if (this.#atWork.get(job.jobId) === work) this.#atWork.delete(job.jobId);
    }
  }

  /** Leaves all jobs but these to whoever holds them now. */
  keepOnly(jobIds: ReadonlySet<string>): void {
    for (const [jobId, work] of this.#atWork) if (!jobIds.has(jobId)) work.lose();
  }

  async #collect(arrived: Job, operation: AnyOperation | undefined, work: Work): Promise<Job> {
    const { stopping, media: files } = this.#context;
    const job = await this.#whole(arrived);
    if (job.orphaned) await files.clearDrafts(job);
    const media = [...job.media];
    const missing = job.mediaUrls.slice(0, filesWanted(job)).flatMap((url, position) => {
      const index = position + 1;
      return media.some((one) => one.index === index) ? [] : [{ url, index }];
    });
    // The last of them is noted with the job's end, if nothing else is to be made of it before.
    const isEndNext = operation?.media !== "layers" && job.saveTo === null;
    let left = missing.length;
    const failures = await Promise.all(
      missing.map((file) =>
        this.#fetcher
          .fetch(job, operation, file, work.over)
          .then(async (medium) => {
            media.push(medium);
            media.sort((a, b) => a.index - b.index);
            left--;
            if (left > 0 || !isEndNext) await this.#note(job, media);
            return undefined;
          })
          .catch((error: unknown) => error),
      ),
    );
    if (work.isLost) return this.#giveWay(job, media);
    if (stopping.aborted) return job;
    const failure = failures.find((one) => one !== undefined);
    return failure === undefined ? this.#complete(job, media, operation) : this.#fail(job, failure);
  }

  /** With what was asked for, after which files are named. */
  async #whole(job: Job): Promise<WholeJob> {
    const read = () => this.#context.store.get(job.owner, job.jobId);
    const { input = {}, wire = null } = (await surely(this.#context, job.jobId, read)) ?? {};
    return { input, wire, ...job };
  }

  /**
   * Fetches again what is missing of a completed job's files, and makes again what is made of them.
   * @throws {media_expired | bad_upstream_reply | storage} when one cannot be had as it was.
   */
  restore(job: WholeJob, operation: AnyOperation | undefined): Promise<WholeJob> {
    return restoreMedia(this.#context, this.#fetcher, job, operation);
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
    const extras = await layerExtras(this.#context, job, operation, fetched, warnings);
    const media = await this.#copy(job, [...fetched, ...extras], warnings);
    const isCounted = job.charge !== "none";
    this.#context.reached("before-completed");
    const completed = await moveSurely(this.#context, job, "completed", {
      media,
      warnings,
      charge: job.charge === "reserved" ? "spent" : job.charge,
      costUsd: isCounted ? job.reservedUsd : null,
      completedAt: this.#context.clock.now(),
      upstreamStatus: null,
      error: null,
    });
    return completed ?? this.#giveWay(job, media);
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
    const error = jobErrorOf(failure);
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
    await discardMedia(
      this.#context,
      job,
      fetched.filter(({ path }) => !counted.has(path)),
    );
    return current;
  }
}
