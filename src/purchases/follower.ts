import { AppError, toAppError } from "../core/errors.ts";
import type { StatusReport } from "../gateway/pixazo.ts";
import type { Job, WholeJob } from "../jobs/job.ts";
import { errorOf, move } from "../jobs/transitions.ts";
import type { AnyOperation } from "../models/operation.ts";
import { Alert } from "./alert.ts";
import { Followed } from "./followed.ts";
import { filesNamed } from "./keeping.ts";
import { GIVE_UP_MS, nextPollMs, UNKNOWN_ID_GRACE_MS } from "./pace.ts";
import { Poller } from "./poller.ts";
import type { PurchaseContext } from "./purchase-context.ts";
import { WebhookTrust } from "./webhook-trust.ts";

/** What figures call operations that another version of this program has. */
const UNKNOWN = "unknown";

/** Watches `running` jobs until the gateway says that they ended. */
export class Follower {
  readonly #context: PurchaseContext;
  readonly #followed = new Map<string, Followed>();
  readonly #poller: Poller;
  readonly #trust: WebhookTrust;

  constructor(context: PurchaseContext) {
    this.#context = context;
    this.#trust = new WebhookTrust(context.clock);
    const look = (jobId: string) => {
      const followed = this.#followed.get(jobId);
      if (!followed) return Promise.resolve(undefined);
      return context.log.within(followed.context, () => this.#look(followed));
    };
    const isUrgent = (jobId: string) => this.#followed.get(jobId)?.alert?.isOn ?? false;
    this.#poller = new Poller(context.clock, { look, isUrgent }, context.timeScale);
  }

  /**
   * @param soon look at once, for a job whose process was away.
   * @param goOn takes the job when it has become `downloading`.
   */
  follow(
    job: Job,
    operation: AnyOperation | undefined,
    soon: boolean,
    goOn: (job: Job) => void,
  ): void {
    const { clock, log } = this.#context;
    const followed = new Followed(job, operation, { clock, context: log.context(), goOn });
    this.#followed.set(job.jobId, followed);
    this.#poller.plan(job, soon ? 0 : this.#pause(followed, undefined));
  }

  get isFollowing(): boolean {
    return this.#followed.size > 0;
  }

  /** A webhook has come for a job. @returns whether it is followed here. */
  ring(jobId: string): boolean {
    const followed = this.#followed.get(jobId);
    if (!followed) return false;
    const { clock, timeScale } = this.#context;
    followed.alert ??= new Alert(clock, timeScale);
    const inMs = followed.alert.ring(followed.notBefore);
    if (inMs !== undefined && !followed.isLooking) this.#poller.plan(followed, inMs);
    return true;
  }

  /** Leaves all jobs but these to whoever follows them now. */
  keepOnly(jobIds: ReadonlySet<string>): void {
    for (const jobId of this.#followed.keys()) {
      if (jobIds.has(jobId)) continue;
      this.#poller.forget(jobId);
      this.#followed.delete(jobId);
    }
  }

  /** Looks at nothing any more. @returns the ids of what was followed. */
  stop(): string[] {
    this.#poller.stop();
    const jobIds = [...this.#followed.keys()];
    this.#followed.clear();
    return jobIds;
  }

  async #look(followed: Followed): Promise<number | undefined> {
    const { jobId } = followed;
    const isTold = followed.alert?.look() ?? false;
    followed.isLooking = true;
    try {
      followed.hasWebhook ??= await this.#context.webhooks.isExpected(followed);
      const pause = await this.#ask(followed, isTold);
      if (pause === undefined && this.#followed.get(jobId) === followed) {
        this.#followed.delete(jobId);
      }
      return pause;
    } catch (error) {
      // At an orderly end looks break off, and their jobs are the next process's.
      if (!this.#followed.has(jobId)) return undefined;
      this.#context.log.error({ job: jobId, err: error }, "look at job failed");
      this.#context.events.holdUp(jobId, toAppError(error).message);
      followed.faults++;
      return this.#pause(followed, undefined);
    } finally {
      followed.isLooking = false;
    }
  }

  /**
   * @param isTold whether a webhook has asked for the look.
   * @returns ms until the next look; `undefined` when there is nothing more to look at.
   */
  async #ask(followed: Followed, isTold: boolean): Promise<number | undefined> {
    const { gateway, timings, reached } = this.#context;
    const { owner, requestId, operation, lastText } = followed;
    const took = timings.begin("poll", operation?.name ?? UNKNOWN);
    let report: StatusReport | undefined;
    try {
      reached("before-look");
      report = await gateway.of(owner).statusSince(requestId, lastText);
      reached("after-look");
    } catch (error) {
      const failure = toAppError(error);
      took(failure.code);
      return this.#trouble(followed, failure);
    }
    const { status } = report ?? { status: followed.lastStatus };
    took(status);
    this.#context.events.goesOn(followed.jobId);
    followed.polls++;
    followed.faults = 0;
    if (report && status !== "queued" && status !== "processing") {
      await this.#end(followed, report);
      this.#learn(followed, isTold);
      return undefined;
    }
    if (followed.ageMs(this.#context.clock) > GIVE_UP_MS) return this.#giveUp(followed);
    if (report) {
      await this.#note(followed, report.rawStatus);
      // The same answer is nothing new only now that what it said is stored.
      followed.lastStatus = status;
      followed.lastText = report.text;
    }
    return this.#pause(followed, undefined);
  }

  /** What an end says about webhooks. */
  #learn({ jobId, hasWebhook }: Followed, isTold: boolean): void {
    if (!hasWebhook) return;
    if (isTold) this.#trust.told();
    if (isTold || !this.#trust.missed()) return;
    this.#context.log.warn({ job: jobId }, "no webhook told of an end: looking as without them");
    for (const one of this.#followed.values()) {
      if (one.hasWebhook && !one.isLooking && !one.alert?.isFresh && one.jobId !== jobId) {
        this.#poller.plan(one, this.#pause(one, undefined));
      }
    }
  }

  async #end(followed: Followed, report: StatusReport): Promise<void> {
    const job = await this.#context.store.get(followed.owner, followed.jobId);
    if (job?.state !== "running" && job?.state !== "downloading") return;
    const completedAt = this.#context.clock.now();
    if (report.status === "completed" && report.mediaUrls.length > 0) {
      const named = filesNamed(job, report.mediaUrls);
      // An earlier look may have moved it on without hearing so: the store knows whether it was ours.
      const running = { ...job, state: "running" as const };
      const moved = await move(this.#context, running, "downloading", named);
      if (moved) followed.goOn(moved);
    } else if (job.state === "downloading") {
      return;
    } else if (report.status === "completed") {
      const reason = report.error ?? new AppError("bad_upstream_reply", "It names no file.");
      const error = errorOf(reason);
      await move(this.#context, job, "failed", { charge: spent(job), error, completedAt });
    } else {
      const reason = report.error ?? new AppError("upstream_rejected", "No reason was given.");
      const error = errorOf(reason);
      await (report.status === "error"
        ? move(this.#context, job, "errored", { charge: "none", error, completedAt })
        : move(this.#context, job, "failed", { charge: uncertain(job), error, completedAt }));
    }
  }

  async #trouble(followed: Followed, error: AppError): Promise<number | undefined> {
    const { timeScale } = this.#context;
    const age = followed.ageMs(this.#context.clock);
    // That nobody could be asked just now says nothing about the job.
    if (age > GIVE_UP_MS && error.code === "not_found") return this.#giveUp(followed);
    const fresh = error.code === "not_found" && age < UNKNOWN_ID_GRACE_MS * timeScale;
    if (!fresh) {
      followed.faults++;
      followed.lastText = undefined;
      await this.#note(followed, `cannot be asked (${error.code})`);
    }
    return this.#pause(followed, error.retryAfterMs);
  }

  async #giveUp(followed: Followed): Promise<undefined> {
    const job = await this.#running(followed);
    if (!job) return undefined;
    const message = "The provider gave no final status within seven days.";
    await move(this.#context, job, "unknown", {
      charge: uncertain(job),
      error: errorOf(new AppError("outcome_unknown", message)),
      completedAt: this.#context.clock.now(),
    });
    return undefined;
  }

  /** Stores the gateway's word when it has changed, and only then. */
  async #note(followed: Followed, upstreamStatus: string): Promise<void> {
    if (followed.upstreamStatus === upstreamStatus) return;
    const { store, events, clock } = this.#context;
    const { owner, jobId } = followed;
    events.publish(await store.patch(owner, jobId, { upstreamStatus }, clock.now()));
    followed.upstreamStatus = upstreamStatus;
  }

  /** The job as it is stored, if it still is what is followed here. */
  async #running({ owner, jobId }: Followed): Promise<WholeJob | undefined> {
    const job = await this.#context.store.get(owner, jobId);
    return job?.state === "running" ? job : undefined;
  }

  #pause(followed: Followed, retryAfterMs: number | undefined): number {
    const { random, timeScale, clock } = this.#context;
    const ageMs = followed.ageMs(clock);
    const { polls, faults, alert, hasWebhook = false, operation } = followed;
    if (retryAfterMs !== undefined) followed.notBefore = clock.elapsed() + retryAfterMs;
    const isTold = hasWebhook && this.#trust.isEarned && !alert?.isFresh;
    const history = { ageMs, polls, faults, retryAfterMs, isTold };
    const regular = nextPollMs(operation, history, random(), timeScale);
    const soon = alert?.next();
    return soon === undefined ? regular : Math.max(soon, retryAfterMs ?? 0);
  }
}

function spent(job: Job): Job["charge"] {
  return job.charge === "reserved" ? "spent" : job.charge;
}

function uncertain(job: Job): Job["charge"] {
  return job.charge === "reserved" ? "uncertain" : job.charge;
}
