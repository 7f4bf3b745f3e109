import * as z from "zod";
import { HOUR_MS } from "../core/clock.ts";
import { Rounds } from "../core/rounds.ts";
import { isWebhookSecret } from "../core/webhook-secret.ts";
import { isRequestId } from "../gateway/pixazo.ts";
import type { Job } from "../jobs/job.ts";
import type { JobRunner } from "../jobs/runner.ts";
import type { PurchaseContext } from "./purchase-context.ts";
import type { Purchases } from "./purchases.ts";
import { isOfOperation, RequestFinder } from "./request-finder.ts";
import { takesWebhooks, type WebhookCall, type WebhookRecord } from "./webhook-record.ts";

/** How soon this process hears of a webhook that has reached another one. */
const LISTEN_MS = 200;
/** The same where none of its jobs is at the provider: what is for whoever is free can wait as long. */
const IDLE_LISTEN_MS = 2_000;
const SWEEP_MS = HOUR_MS;
/** Longer than anybody looks for a request: who took a call and is not done with it is gone. */
const PATIENCE_MS = 90_000;
/** Of one job; more can only be made up. */
const MOST_CALLS = 8;

const bodySchema = z.looseObject({ request_id: z.string() });

export interface WebhookOptions {
  context: PurchaseContext;
  record: WebhookRecord;
  purchases: Pick<Purchases, "ring" | "isFollowing">;
  jobs: Pick<JobRunner, "takeUp">;
  isGone: (holder: string) => boolean;
}

/**
 * What becomes of webhooks. Nothing in them is believed but that it is time to look: at the status
 * of a running job, or for the request of one that is not known to have been accepted.
 */
export class Webhooks {
  readonly #options: WebhookOptions;
  readonly #finder: RequestFinder;
  readonly #rounds: Rounds;
  #isClosed = false;
  /** A moment of {@link Clock.elapsed}. */
  #listenedAt = Number.NEGATIVE_INFINITY;

  constructor(options: WebhookOptions) {
    this.#options = options;
    const { clock, log } = options.context;
    this.#rounds = new Rounds(clock, (error) =>
      log.error({ err: error }, "webhooks cannot be dealt with"),
    );
    this.#finder = new RequestFinder({
      context: options.context,
      goOn: (found) => {
        options.jobs.takeUp(found);
        options.purchases.ring(found.jobId);
      },
      over: (call) => options.record.done(call),
    });
  }

  /** Hears of webhooks that reach other processes, and of those that a process was killed over. */
  async open(): Promise<void> {
    await this.#rounds.every(SWEEP_MS, () =>
      this.#options.record.sweep(this.#options.context.clock.now()),
    );
    await this.#rounds.every(LISTEN_MS, () => this.#listen());
  }

  /**
   * Somebody has called at a webhook's address. What must not be lost is on disk when this resolves.
   * @param secret the end of the address, whatever it is.
   * @param body what was brought along, if it was JSON.
   * @throws {storage}
   */
  async receive(secret: string, body: unknown): Promise<void> {
    const { record, context, purchases } = this.#options;
    const { clock, reached, baseUrl, holder } = context;
    if (this.#isClosed || !isWebhookSecret(secret)) return;
    const found = await record.find(secret);
    if (!found || !takesWebhooks(found.job, clock.now())) return;
    reached("webhook-heard");
    const { job } = found;
    const call = { owner: job.owner, jobId: job.jobId, requestId: requestIn(body, job) };
    if (job.requestId !== null) {
      if (job.state !== "running" || purchases.ring(job.jobId)) return;
      // Another process follows it, and hears of it there.
      await record.note({ ...call, requestId: "" }, undefined, MOST_CALLS, clock.now());
      reached("webhook-passed-on");
      return;
    }
    if (call.requestId === "") return;
    const isFree = job.state === "unknown";
    const isOurs = job.baseUrl === baseUrl && (isFree || found.holder === holder);
    await record.note(call, isOurs ? holder : undefined, MOST_CALLS, clock.now());
    reached("webhook-noted");
    if (isOurs) this.#finder.seek(call);
  }

  close(): void {
    this.#isClosed = true;
    this.#rounds.end();
    this.#finder.stop();
  }

  async #listen(): Promise<void> {
    const { record, context, purchases, isGone } = this.#options;
    const { holder, baseUrl, clock, reached } = context;
    const isDue = clock.elapsed() - this.#listenedAt >= IDLE_LISTEN_MS;
    if (!purchases.isFollowing && !isDue) return;
    this.#listenedAt = clock.elapsed();
    const taker = { holder, baseUrl, now: clock.now(), patienceMs: PATIENCE_MS, isGone };
    const calls = await record.take(taker);
    if (calls.length > 0) reached("webhook-taken");
    for (const call of calls) await this.#deal(call);
  }

  async #deal(call: WebhookCall): Promise<void> {
    const { record, context, purchases } = this.#options;
    const job = await context.store.get(call.owner, call.jobId);
    if (call.requestId !== "" && job?.requestId === null) return this.#finder.seek(call);
    if (job?.state === "running") purchases.ring(job.jobId);
    await record.done(call);
  }
}

/** The request that a webhook names, if it can be that of the job. */
function requestIn(body: unknown, job: Job): string {
  const { request_id = "" } = bodySchema.safeParse(body).data ?? {};
  return isRequestId(request_id) && isOfOperation(request_id, job) ? request_id : "";
}
