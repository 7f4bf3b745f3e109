import { AppError } from "../core/errors.ts";
import { newJobId } from "../core/ids.ts";
import { checkedId } from "../gateway/pixazo.ts";
import type { StagedFile } from "../inputs/hosting.ts";
import { operationNamed } from "../models/index.ts";
import type { AnyOperation, Prepared } from "../models/operation.ts";
import { adoptRequest, attachRequest } from "../purchases/adoption.ts";
import { Collector } from "../purchases/collector.ts";
import { Follower } from "../purchases/follower.ts";
import { imagesAsked } from "../purchases/keeping.ts";
import { checkPrice, estimateUsd } from "../purchases/prices.ts";
import { recoverPurchase } from "../purchases/recovery.ts";
import { submitJob } from "../purchases/submission.ts";
import type { JobContext } from "./context.ts";
import { fingerprintOf } from "./deduplication.ts";
import { isFinal, type Job, type WholeJob } from "./job.ts";
import type { Work } from "./job-kind.ts";
import { Leases } from "./leases.ts";
import { BLANK, forRecord, NO_LIMITS } from "./record.ts";
import type { AdmissionRules, JobPage, JobQuery, SpendingPeriod, SpendingReport } from "./store.ts";
import { errorOf, move } from "./transitions.ts";

const LAST_POST_MS = 10_000;

export interface StartRequest {
  operation: AnyOperation;
  prepared: Prepared;
  /** What the provider is to fetch here. */
  staged?: readonly StagedFile[] | undefined;
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
  /** The conversation that it is a turn of. */
  threadId?: string | undefined;
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
  readonly #leases: Leases;

  constructor(context: JobContext) {
    this.#context = context;
    this.#collector = new Collector(context);
    this.#follower = new Follower(context, (job) => this.#resume(job));
    this.#leases = new Leases(context, {
      recover: (job) => this.#track(this.#recover(job)),
      keepOnly: (jobIds) => {
        this.#follower.keepOnly(jobIds);
        this.#collector.keepOnly(jobIds);
      },
    });
  }

  /** Takes up what an earlier process left, and keeps doing so for processes that end. */
  async open(): Promise<void> {
    await this.#leases.open();
  }

  /**
   * Records a job and sets it going, unless an identical earlier one stands for it.
   * @returns the recorded job, of which nothing has been sent yet, or the earlier one.
   * @throws {storage | invalid_input} when its result could not be kept; nothing is bought
   * @throws {over_budget} when it would cost more than is allowed; nothing is bought
   */
  async start(request: StartRequest): Promise<Started> {
    const { clock, library, hosting, stopping, prices, limits } = this.#context;
    if (stopping.aborted) throw new AppError("cancelled", "The server is shutting down.");
    const { operation, prepared, saveTo } = request;
    const now = clock.now();
    const pictures = imagesAsked(prepared);
    const reservedUsd = estimateUsd(operation, pictures, prices);
    const job: WholeJob = {
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
    const rules = { forceNew: request.forceNew ?? false, limits, now };
    let isNew = false;
    try {
      const started = await this.#admit(job, rules, async () => {
        checkPrice(operation, reservedUsd, request.maxCostUsd, limits);
        await library.checkRoom(operation.media, pictures, saveTo);
        await hosting.reserve(job.jobId, request.staged ?? []);
      });
      isNew = !started.isRepeat;
      return started;
    } finally {
      if (!isNew) await hosting.release(job.jobId);
    }
  }

  /**
   * Records a job of another kind and sets it going, unless an identical earlier one stands for it.
   * @throws {storage | invalid_input} when its result could not be kept; nothing is sent
   */
  async startWork(request: WorkRequest): Promise<Started> {
    const { clock, library, stopping } = this.#context;
    if (stopping.aborted) throw new AppError("cancelled", "The server is shutting down.");
    const { work, saveTo } = request;
    const now = clock.now();
    const job: WholeJob = {
      ...BLANK,
      jobId: request.jobId,
      owner: request.owner,
      operation: work.name,
      threadId: request.threadId ?? null,
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
    return this.#admit(job, rules, async () => {
      if (saveTo !== undefined) await library.checkRoom("text", 1, saveTo);
      await request.record();
    });
  }

  /** @throws {not_found} */
  async get(owner: string, jobId: string): Promise<WholeJob> {
    const job = await this.#context.store.get(owner, jobId);
    if (!job) throw new AppError("not_found", `There is no job \`${jobId}\`.`);
    return job;
  }

  async list(query: JobQuery): Promise<JobPage> {
    return this.#context.store.list(query);
  }

  /**
   * The job of a gateway's request id; a request made elsewhere is adopted and followed from now on.
   * @throws as {@link adoptRequest}
   */
  async findOrAdopt(owner: string, requestId: string): Promise<Job> {
    const known = await this.#context.store.findByRequestId(owner, checkedId(requestId));
    if (known)
      return known.state === "unknown" ? this.attach(owner, known.jobId, requestId) : known;
    const job = await adoptRequest(this.#context, owner, requestId);
    this.#resume(job, true);
    return job;
  }

  /**
   * Gives an `unknown` job the request id that someone found at the gateway, and follows it.
   * @throws {not_found} or as {@link attachRequest}
   */
  async attach(owner: string, jobId: string, requestId: string): Promise<Job> {
    const job = await this.get(owner, jobId);
    if (job.requestId === requestId && job.state !== "unknown") return job;
    const attached = await attachRequest(this.#context, job, requestId);
    if (!attached) return this.get(owner, jobId);
    this.#resume(attached, true);
    return attached;
  }

  /**
   * Brings back files of a completed job that are no longer where they were.
   * @throws {media_expired | bad_upstream_reply | not_found | storage}
   */
  async restore(job: WholeJob): Promise<WholeJob> {
    if (job.state !== "completed") return job;
    const work = this.#context.works.get(job.operation);
    if (work) return work.restore(job);
    return this.#collector.restore(job, operationNamed(job.operation));
  }

  /** What was spent and what may have been, in US dollars. */
  async spending(owner: string, period?: SpendingPeriod): Promise<SpendingReport> {
    return this.#context.store.spending(owner, this.#context.clock.now(), period);
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
    if (!cancelled) return { job: await this.get(owner, jobId), stopped: false };
    await this.#context.works.get(job.operation)?.cancelled(cancelled);
    return { job: cancelled, stopped: true };
  }

  /** Waits for a job's end, or less. @returns the job as it stands when the wait is over. */
  async wait(job: Job, options: WaitOptions): Promise<WholeJob> {
    const { clock, events, store } = this.#context;
    const until = options.until ?? ((one: Job) => isFinal(one.state));
    await new Promise<void>((resolve) => {
      const over = () => {
        unsubscribe();
        callOff();
        options.signal?.removeEventListener("abort", over);
        resolve();
      };
      const unsubscribe = events.subscribe(job.owner, (changed) => {
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

  /** What keeps a job of this process from going on at the moment. */
  heldUpBy(jobId: string): string | undefined {
    return this.#context.events.heldUpBy(jobId);
  }

  /** Notes that a job's result has been part of an answer. */
  async markDelivered(job: Job): Promise<void> {
    if (job.deliveredAt !== null || !isFinal(job.state)) return;
    const now = this.#context.clock.now();
    await this.#context.store.patch(job.owner, job.jobId, { deliveredAt: now }, now);
  }

  /** Jobs that completed while nobody was there and that no answer has mentioned yet. */
  async news(owner: string): Promise<Job[]> {
    return this.#context.store.news(owner);
  }

  /** Notes that an answer that mentions these jobs has left. */
  async noteMentioned(owner: string, jobs: readonly Job[]): Promise<void> {
    const jobIds = jobs.map((job) => job.jobId);
    await this.#context.store.noteMentioned(owner, jobIds, this.#context.clock.now());
  }

  /** Ends orderly: a POST in flight gets ten seconds, everything else waits for the next start. */
  async close(): Promise<void> {
    const { clock, store, holder } = this.#context;
    this.#leases.close();
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

  /** Records a job and sets it going, unless an earlier one stands for it or the last check forbids it. */
  async #admit(job: WholeJob, rules: AdmissionRules, check: () => Promise<void>): Promise<Started> {
    const { store, holder, events, reached } = this.#context;
    const earlier = await store.findRepeated(job, rules);
    if (earlier) return { job: earlier, isRepeat: true };
    await check();
    reached("before-record");
    const admission = await store.admit(job, holder, rules);
    if (admission.kind === "repeat") return { job: admission.job, isRepeat: true };
    reached("after-record");
    events.publish(job);
    this.#resume(job);
    return { job, isRepeat: false };
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

  async #recover(job: Job): Promise<void> {
    const work = this.#context.works.get(job.operation);
    if (work) this.#track(work.recover(job));
    else if (await recoverPurchase(this.#context, job)) this.#resume(job, true);
  }
}
