import { createHash } from "node:crypto";
import { AppError } from "../core/errors.ts";
import { newJobId } from "../core/ids.ts";
import { checkedId } from "../gateway/pixazo.ts";
import { operationNamed, operationOfRequestId } from "../models/index.ts";
import type { AnyOperation, Prepared } from "../models/operation.ts";
import { checkPrice, estimateUsd } from "./budget.ts";
import { Collector } from "./collection.ts";
import type { JobContext } from "./context.ts";
import { Follower } from "./follow.ts";
import { imagesAsked, isFinal, type Job, type JobState } from "./job.ts";
import { errorOf, move, moveSurely } from "./moves.ts";
import { fingerprintOf } from "./replay.ts";
import type { Holder, JobPage, JobQuery, SpendingReport } from "./store.ts";
import { MAX_WAIT_TO_SUBMIT_MS, submitJob } from "./submission.ts";
import type { Work } from "./work.ts";

/** A holder that shows no life for so long has lost its jobs. */
const LEASE_MS = 30_000;
const BEAT_MS = 10_000;
const WATCH_MS = 500;
const DAY_MS = 86_400_000;
const LAST_POST_MS = 10_000;
const LONGEST_RECORDED_URI = 200;

export interface StartRequest {
  operation: AnyOperation;
  prepared: Prepared;
  owner: string;
  saveTo?: string | undefined;
  /** The most it may cost, in US dollars. */
  maxCostUsd?: number | undefined;
  /** One key, one job, however often and however late the call is repeated. */
  idempotencyKey?: string | undefined;
  /** Buy another one even if an identical job was started a moment ago. */
  forceNew?: boolean | undefined;
}

/** What a start came to. */
export interface Started {
  job: Job;
  /** An earlier identical job stands for the call; nothing was bought. */
  isRepeat: boolean;
}

/** A job of another kind than a purchase. */
export interface WorkRequest {
  work: Work;
  /** Chosen by the caller, so that what belongs to the job can be kept under it. */
  jobId: string;
  owner: string;
  /** What is shown of the job's arguments. */
  input: Record<string, unknown>;
  /** Everything that would be sent, for telling a repeated call. */
  wire: unknown;
  saveTo?: string | undefined;
  idempotencyKey?: string | undefined;
  forceNew?: boolean | undefined;
  warnings: string[];
  /** Keeps what belongs to the job; called right before it is recorded. */
  record: () => Promise<void>;
}

export interface WaitOptions {
  /** How long to wait at most, in milliseconds. */
  ms: number;
  /** Ends the wait, never the job. */
  signal?: AbortSignal | undefined;
  /** What is waited for; by default the job's end. */
  until?: (job: Job) => boolean;
  /** Hears of every change meanwhile. */
  onChange?: (job: Job) => void;
}

/**
 * The life of a job from its record to its files. A job is on disk before anything is sent, and
 * goes on whether or not anyone is still waiting for it.
 */
export class JobRunner {
  readonly #context: JobContext;
  readonly #collector: Collector;
  readonly #follower: Follower;
  /** Purchases and downloads under way in this process. */
  readonly #underWay = new Set<Promise<unknown>>();
  /** Ends the timers of this runner. */
  readonly #rounds: (() => void)[] = [];
  /** When each other holder was last seen to change its beat, on the clock that is never set. */
  readonly #seenAlive = new Map<string, { beat: number; at: number }>();

  constructor(context: JobContext) {
    this.#context = context;
    this.#collector = new Collector(context);
    this.#follower = new Follower(context, (job) => this.#resume(job));
  }

  /** Takes up what an earlier process left, and keeps doing so for processes that end. */
  async open(): Promise<void> {
    await this.#keepHouse();
    await this.#takeOver();
    this.#every(BEAT_MS, async () => {
      await this.#holdOn();
      await this.#takeOver();
    });
    this.#every(WATCH_MS, () => this.#watchOthers());
    this.#every(DAY_MS, () => this.#keepHouse());
  }

  /**
   * Records a job and sets it going, unless an identical earlier one stands for it.
   * @returns the recorded job, of which nothing has been sent yet, or the earlier one.
   * @throws {storage | invalid_input} when its result could not be kept; nothing is bought
   * @throws {over_budget} when it would cost more than is allowed; nothing is bought
   */
  async start(request: StartRequest): Promise<Started> {
    const { store, clock, library, stopping, prices, limits, holder } = this.#context;
    if (stopping.aborted) throw new AppError("cancelled", "The server is shutting down.");
    const { operation, prepared, saveTo } = request;
    const now = clock.now();
    const pictures = imagesAsked(prepared);
    const reservedUsd = estimateUsd(operation, pictures, prices);
    const job: Job = {
      ...BLANK,
      jobId: newJobId(),
      owner: request.owner,
      operation: operation.name,
      input: forRecord(prepared.input),
      wire: prepared.wire,
      baseUrl: this.#context.baseUrl,
      saveTo: saveTo ?? null,
      state: "queued",
      charge: "reserved",
      createdAt: now,
      updatedAt: now,
      fingerprint: fingerprintOf(operation.name, prepared.identity ?? prepared.wire),
      idempotencyKey: request.idempotencyKey ?? null,
      reservedUsd,
      warnings: prepared.warnings,
    };
    const forceNew = request.forceNew ?? false;
    const earlier = await store.findTwin(job, { forceNew, limits, now });
    if (earlier) return { job: earlier, isRepeat: true };
    checkPrice(operation, reservedUsd, request.maxCostUsd, limits);
    await library.checkRoom(operation.media, pictures, saveTo);
    this.#context.reached("before-record");
    const admission = await store.admit(job, holder, { forceNew, limits, now });
    if (admission.kind === "twin") return { job: admission.job, isRepeat: true };
    this.#context.reached("after-record");
    this.#context.events.publish(job);
    this.#resume(job);
    return { job, isRepeat: false };
  }

  /**
   * Records a job of another kind and sets it going, unless an identical earlier one stands for it.
   * @throws {storage | invalid_input} when its result could not be kept; nothing is sent
   */
  async startWork(request: WorkRequest): Promise<Started> {
    const { store, clock, library, stopping, holder } = this.#context;
    if (stopping.aborted) throw new AppError("cancelled", "The server is shutting down.");
    const { work, saveTo } = request;
    const now = clock.now();
    const job: Job = {
      ...BLANK,
      jobId: request.jobId,
      owner: request.owner,
      operation: work.name,
      input: request.input,
      baseUrl: work.baseUrl,
      saveTo: saveTo ?? null,
      state: "queued",
      charge: "none",
      createdAt: now,
      updatedAt: now,
      fingerprint: fingerprintOf(work.name, request.wire),
      idempotencyKey: request.idempotencyKey ?? null,
      reservedUsd: 0,
      warnings: request.warnings,
    };
    const rules = { forceNew: request.forceNew ?? false, limits: NO_LIMITS, now };
    const earlier = await store.findTwin(job, rules);
    if (earlier) return { job: earlier, isRepeat: true };
    if (saveTo !== undefined) await library.checkRoom("images", 1, saveTo);
    await request.record();
    const admission = await store.admit(job, holder, rules);
    if (admission.kind === "twin") return { job: admission.job, isRepeat: true };
    this.#context.events.publish(job);
    this.#resume(job);
    return { job, isRepeat: false };
  }

  /** @throws {not_found} */
  async get(owner: string, jobId: string): Promise<Job> {
    const job = await this.#context.store.get(owner, jobId);
    if (!job) throw new AppError("not_found", `There is no job \`${jobId}\`.`);
    return job;
  }

  async list(query: JobQuery): Promise<JobPage> {
    return this.#context.store.list(query);
  }

  /**
   * The job of a gateway's request id; a request made elsewhere is adopted and followed from now on.
   * @throws {invalid_input} for an id of another API
   * @throws {not_found | unauthorized | upstream_unavailable} as the gateway says
   */
  async findOrAdopt(owner: string, requestId: string): Promise<Job> {
    const { store, gateway, clock } = this.#context;
    const known = await store.findByRequestId(owner, checkedId(requestId));
    if (known) return known;
    const operation = operationOfRequestId(requestId);
    if (!operation) {
      throw new AppError(
        "invalid_input",
        "That request id belongs to none of the queued operations, so its status cannot be asked.",
        { next: "Ids of the older LongCat-Image API go to `longcat_image_legacy_status`." },
      );
    }
    const report = await gateway.status(requestId);
    const now = clock.now();
    const job: Job = {
      ...BLANK,
      jobId: newJobId(),
      owner,
      operation: operation.name,
      baseUrl: this.#context.baseUrl,
      state: "running",
      charge: "none",
      requestId,
      upstreamStatus: report.rawStatus,
      createdAt: now,
      updatedAt: now,
      acceptedAt: now,
      warnings: ["Started elsewhere; its price is not counted here."],
    };
    const { holder } = this.#context;
    await store.admit(job, holder, { forceNew: true, limits: NO_LIMITS, now });
    this.#context.events.publish(job);
    this.#follower.follow(job, operation, true);
    return job;
  }

  /**
   * Gives an `unknown` job the request id that someone found at the gateway, and follows it.
   * @throws {invalid_input} when the job is not in doubt or the id cannot be its own
   * @throws {not_found | unauthorized | upstream_unavailable} as the gateway says
   */
  async attach(owner: string, jobId: string, requestId: string): Promise<Job> {
    const { store, gateway, clock } = this.#context;
    const job = await this.get(owner, jobId);
    if (job.requestId === requestId) return job;
    if (job.state !== "unknown") {
      throw new AppError(
        "invalid_input",
        `${jobId} is ${job.state}: only an unknown job takes a request id.`,
      );
    }
    const other = await store.findByRequestId(owner, checkedId(requestId));
    if (other) {
      throw new AppError("invalid_input", `That request id belongs to ${other.jobId}.`);
    }
    if (operationOfRequestId(requestId)?.name !== job.operation) {
      throw new AppError("invalid_input", `That request id is not one of ${job.operation}.`);
    }
    const report = await gateway.status(requestId);
    const attached = await move(this.#context, job, "running", {
      requestId,
      upstreamStatus: report.rawStatus,
      charge: "reserved",
      acceptedAt: clock.now(),
      completedAt: null,
      deliveredAt: null,
      error: null,
    });
    if (!attached) return this.get(owner, jobId);
    this.#resume(attached, true);
    return attached;
  }

  /**
   * Brings back files of a completed job that are no longer where they were.
   * @throws {media_expired | bad_upstream_reply | storage}
   */
  async restore(job: Job): Promise<Job> {
    if (job.state !== "completed") return job;
    return this.#collector.restore(job, operationNamed(job.operation));
  }

  /** What was spent and what may have been, in US dollars. */
  async spending(owner: string): Promise<SpendingReport> {
    return this.#context.store.spending(owner, this.#context.clock.now());
  }

  /**
   * Stops a job that has not been sent yet.
   * @returns the job and whether it was stopped: what the gateway has accepted runs on there.
   * @throws {not_found}
   */
  async cancel(owner: string, jobId: string): Promise<{ job: Job; stopped: boolean }> {
    const job = await this.get(owner, jobId);
    if (job.state !== "queued") return { job, stopped: false };
    const error = new AppError("cancelled", "Cancelled before anything was sent.");
    const cancelled = await move(this.#context, job, "cancelled", {
      charge: "none",
      error: errorOf(error),
      completedAt: this.#context.clock.now(),
      wire: null,
    });
    return cancelled
      ? { job: cancelled, stopped: true }
      : { job: await this.get(owner, jobId), stopped: false };
  }

  /** Waits for a job's end, or less. @returns the job as it stands when the wait is over. */
  async wait(job: Job, options: WaitOptions): Promise<Job> {
    const { clock, events, store } = this.#context;
    const until = options.until ?? ((one: Job) => isFinal(one.state));
    await new Promise<void>((resolve) => {
      const over = () => {
        unsubscribe();
        callOff();
        options.signal?.removeEventListener("abort", over);
        resolve();
      };
      const unsubscribe = events.subscribe((changed) => {
        if (changed.jobId !== job.jobId) return;
        options.onChange?.(changed);
        if (until(changed)) over();
      });
      const callOff = clock.schedule(options.ms, over);
      options.signal?.addEventListener("abort", over, { once: true });
      if (options.signal?.aborted) return over();
      // Listening first and looking second misses nothing.
      store.get(job.owner, job.jobId).then(
        (current) => {
          if (!current || until(current)) over();
        },
        () => over(),
      );
    });
    return this.get(job.owner, job.jobId);
  }

  /** Notes that a job's result has been part of an answer. */
  async markDelivered(job: Job): Promise<void> {
    if (job.deliveredAt !== null || !isFinal(job.state)) return;
    const now = this.#context.clock.now();
    await this.#context.store.patch(job.jobId, { deliveredAt: now }, now);
  }

  /** Jobs that completed while nobody was there, each mentioned once. */
  async takeNews(owner: string): Promise<Job[]> {
    return this.#context.store.takeNews(owner, this.#context.clock.now());
  }

  /** Ends orderly: a POST in flight gets ten seconds, everything else waits for the next start. */
  async close(): Promise<void> {
    const { clock, store, holder } = this.#context;
    for (const end of this.#rounds) end();
    this.#follower.stop();
    let callOff: (() => void) | undefined;
    const patience = new Promise<void>((resolve) => {
      callOff = clock.schedule(LAST_POST_MS, resolve);
    });
    await Promise.race([Promise.allSettled([...this.#underWay]), patience]);
    callOff?.();
    await store.release(holder);
    await store.close();
  }

  /** Does the next thing for a job that this process holds, whatever state it is in. */
  #resume(job: Job, soon = false): void {
    const work = this.#context.works.get(job.operation);
    if (work) {
      if (job.state === "queued") this.#track(work.carryOut(job));
      return;
    }
    const operation = operationNamed(job.operation);
    switch (job.state) {
      case "queued":
        if (operation) this.#track(this.#buy(job, operation));
        return;
      case "running":
        this.#follower.follow(job, operation, soon);
        return;
      case "downloading":
        this.#track(this.#collector.collect(job, operation));
        return;
    }
  }

  async #buy(job: Job, operation: AnyOperation): Promise<void> {
    const submitted = await submitJob(this.#context, job, operation);
    if (submitted.state !== "queued") this.#resume(submitted);
  }

  #track(work: Promise<unknown>): void {
    const tracked = work
      .catch((error: unknown) => this.#context.log.error({ err: error }, "job work failed"))
      .finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  /** Shows that this process is alive, and lets go of what others have taken over meanwhile. */
  async #holdOn(): Promise<void> {
    const held = new Set(await this.#context.store.beat(this.#context.holder));
    for (const jobId of this.#follower.jobIds()) {
      if (!held.has(jobId)) this.#follower.forget(jobId);
    }
  }

  async #takeOver(): Promise<void> {
    const { store, clock, isGone, baseUrl, baseIsEphemeral, holder, works } = this.#context;
    const own = new Set([baseUrl, ...[...works.values()].map((work) => work.baseUrl)]);
    const bases = baseIsEphemeral ? [undefined] : [...own];
    const now = clock.elapsed();
    const others = new Map<string, Holder>();
    for (const only of bases) {
      for (const other of await store.otherHolders(holder, only)) others.set(other.holder, other);
    }
    const gone = [...others.values()].filter((other) => {
      const seen = this.#seenAlive.get(other.holder);
      if (!seen || seen.beat !== other.beat) {
        this.#seenAlive.set(other.holder, { beat: other.beat, at: now });
        return isGone(other.holder);
      }
      return isGone(other.holder) || now - seen.at >= LEASE_MS;
    });
    for (const other of gone) this.#seenAlive.delete(other.holder);
    const names = gone.map((other) => other.holder);
    for (const only of bases) {
      for (;;) {
        const jobs = await store.takeOver(holder, names, only);
        if (jobs.length === 0) break;
        for (const job of jobs) {
          await this.#recover(job).catch((error: unknown) =>
            this.#context.log.error({ job: job.jobId, err: error }, "job not taken up"),
          );
        }
      }
    }
  }

  /** Passes on what other processes on the same data folder have changed. */
  async #watchOthers(): Promise<void> {
    for (const job of await this.#context.store.changes()) this.#context.events.publish(job);
  }

  async #keepHouse(): Promise<void> {
    const { keepJobsDays, store, clock } = this.#context;
    if (keepJobsDays !== undefined) await store.forget(clock.now() - keepJobsDays * DAY_MS);
  }

  /** Does something again and again until the end; a failure is logged and the next try comes. */
  #every(ms: number, work: () => Promise<void>): void {
    const { clock, log, stopping } = this.#context;
    const slot = this.#rounds.length;
    const run = async () => {
      try {
        await work();
      } catch (error) {
        log.error({ err: error }, "housekeeping failed");
      }
      if (!stopping.aborted) this.#rounds[slot] = clock.schedule(ms, run);
    };
    this.#rounds[slot] = clock.schedule(ms, run);
  }

  /** What becomes of a job whose process is gone. */
  async #recover(job: Job): Promise<void> {
    const work = this.#context.works.get(job.operation);
    if (work) return this.#track(work.recover(job));
    const now = this.#context.clock.now();
    const end = (state: JobState, charge: Job["charge"], error: AppError) =>
      moveSurely(this.#context, job, state, {
        charge,
        error: errorOf(error),
        completedAt: now,
        wire: null,
      });
    if (job.baseUrl !== this.#context.baseUrl) {
      const message = "It ran on a sandbox that has ended.";
      const state = job.state === "queued" ? "cancelled" : "errored";
      await end(state, "none", new AppError("upstream_unavailable", message));
    } else if (job.state === "submitting") {
      const message = "The server stopped while the request was in flight.";
      await end("unknown", "uncertain", new AppError("outcome_unknown", message));
    } else if (job.state === "queued" && now - job.createdAt >= MAX_WAIT_TO_SUBMIT_MS) {
      const message =
        "It was recorded but not sent when the server stopped, more than ten minutes ago.";
      await end("cancelled", "none", new AppError("cancelled", message));
    } else {
      this.#resume(job, true);
    }
  }
}

/** The fields of a job that nothing has happened to. */
const BLANK = {
  input: {},
  wire: null,
  saveTo: null,
  requestId: null,
  upstreamStatus: null,
  acceptedAt: null,
  completedAt: null,
  deliveredAt: null,
  fingerprint: null,
  idempotencyKey: null,
  reservedUsd: null,
  costUsd: null,
  error: null,
  mediaUrls: [],
  media: [],
  warnings: [],
  orphaned: false,
} satisfies Partial<Job>;

const NO_LIMITS = { perDayUsd: undefined, perMonthUsd: undefined, confirmAboveUsd: undefined };

/** Arguments as they are recorded: pictures given as data URIs by size and digest only. */
function forRecord(input: Record<string, unknown>): Record<string, unknown> {
  const shorten = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shorten);
    if (typeof value !== "string" || value.length <= LONGEST_RECORDED_URI) return value;
    const type = /^data:([^;,]*)/i.exec(value)?.[1];
    if (type === undefined) return value;
    const digest = createHash("sha256").update(value).digest("hex").slice(0, 16);
    return `data:${type} (${value.length} characters, sha256 ${digest}…)`;
  };
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, shorten(value)]));
}
