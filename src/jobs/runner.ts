import { createHash } from "node:crypto";
import { AppError } from "../core/errors.ts";
import { newJobId } from "../core/ids.ts";
import { checkedId } from "../gateway/pixazo.ts";
import { operationNamed, operationOfRequestId } from "../models/index.ts";
import type { AnyOperation, Prepared } from "../models/operation.ts";
import { Collector } from "./collection.ts";
import type { JobContext } from "./context.ts";
import { Follower } from "./follow.ts";
import { imagesAsked, isFinal, type Job, type JobState } from "./job.ts";
import type { JobPage, JobQuery, Lease } from "./store.ts";
import { errorOf, MAX_WAIT_TO_SUBMIT_MS, move, submitJob } from "./submission.ts";

const LEASE_MS = 30_000;
const LEASE_ROUND_MS = 10_000;
const LAST_POST_MS = 10_000;
const LONGEST_RECORDED_URI = 200;

export interface StartRequest {
  operation: AnyOperation;
  prepared: Prepared;
  owner: string;
  saveTo?: string | undefined;
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
  #endLeaseRound: (() => void) | undefined;

  constructor(context: JobContext) {
    this.#context = context;
    this.#collector = new Collector(context);
    this.#follower = new Follower(context, (job) => this.#resume(job));
  }

  /** Takes up what an earlier process left, and keeps doing so for processes that end. */
  async open(): Promise<void> {
    const { clock, stopping, store } = this.#context;
    await this.#takeOver();
    const round = async () => {
      try {
        await store.renew(this.#lease());
        await this.#takeOver();
      } catch (error) {
        this.#context.log.error({ err: error }, "lease round failed");
      }
      if (!stopping.aborted) this.#endLeaseRound = clock.schedule(LEASE_ROUND_MS, round);
    };
    this.#endLeaseRound = clock.schedule(LEASE_ROUND_MS, round);
  }

  /**
   * Records a job and sets it going.
   * @returns the recorded job; nothing has been sent yet.
   * @throws {storage | invalid_input} when its result could not be kept; nothing is bought.
   */
  async start(request: StartRequest): Promise<Job> {
    const { store, clock, library, stopping } = this.#context;
    if (stopping.aborted) throw new AppError("cancelled", "The server is shutting down.");
    const { operation, prepared, saveTo } = request;
    await library.checkRoom(operation.media, imagesAsked(prepared), saveTo);
    const now = clock.now();
    const job: Job = {
      jobId: newJobId(),
      owner: request.owner,
      operation: operation.name,
      input: forRecord(prepared.input),
      wire: prepared.wire,
      baseUrl: this.#context.baseUrl,
      saveTo: saveTo ?? null,
      state: "queued",
      charge: "reserved",
      requestId: null,
      upstreamStatus: null,
      createdAt: now,
      updatedAt: now,
      acceptedAt: null,
      completedAt: null,
      costUsd: null,
      error: null,
      mediaUrls: [],
      media: [],
      warnings: prepared.warnings,
      delivered: false,
      orphaned: false,
    };
    await store.create(job, this.#lease());
    this.#context.events.publish(job);
    this.#resume(job);
    return job;
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
      jobId: newJobId(),
      owner,
      operation: operation.name,
      input: {},
      wire: null,
      baseUrl: this.#context.baseUrl,
      saveTo: null,
      state: "running",
      charge: "none",
      requestId,
      upstreamStatus: report.rawStatus,
      createdAt: now,
      updatedAt: now,
      acceptedAt: now,
      completedAt: null,
      costUsd: null,
      error: null,
      mediaUrls: [],
      media: [],
      warnings: ["Started elsewhere; its price is not counted here."],
      delivered: false,
      orphaned: false,
    };
    await store.create(job, this.#lease());
    this.#context.events.publish(job);
    this.#follower.follow(job, operation, true);
    return job;
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
    if (job.delivered || !isFinal(job.state)) return;
    await this.#context.store.patch(job.jobId, { delivered: true }, this.#context.clock.now());
  }

  /** Jobs that completed while nobody was there, each mentioned once. */
  async takeNews(owner: string): Promise<Job[]> {
    return this.#context.store.takeNews(owner, this.#context.clock.now());
  }

  /** Ends orderly: a POST in flight gets ten seconds, everything else waits for the next start. */
  async close(): Promise<void> {
    const { clock, store, holder } = this.#context;
    this.#endLeaseRound?.();
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

  async #takeOver(): Promise<void> {
    const { store, clock, isGone, baseUrl, baseIsEphemeral } = this.#context;
    const only = baseIsEphemeral ? undefined : baseUrl;
    const jobs = await store.takeOver(this.#lease(), clock.now(), isGone, only);
    for (const job of jobs) await this.#recover(job);
  }

  /** What becomes of a job whose process is gone. */
  async #recover(job: Job): Promise<void> {
    const now = this.#context.clock.now();
    const end = (state: JobState, charge: Job["charge"], error: AppError) =>
      move(this.#context, job, state, {
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

  #lease(): Lease {
    const { holder, clock } = this.#context;
    return { holder, until: clock.now() + LEASE_MS };
  }
}

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
