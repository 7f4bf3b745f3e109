import { toAppError } from "../core/errors.ts";
import type { StatusReport } from "../gateway/pixazo.ts";
import type { Job } from "../jobs/job.ts";
import { move } from "../jobs/transitions.ts";
import { operationNamed, operationOfRequestId } from "../models/catalogue.ts";
import { POLL_FLOOR_MS } from "../models/limits.ts";
import { attachment } from "./adoption.ts";
import { Alert } from "./alert.ts";
import { nextPollMs } from "./pace.ts";
import { Poller } from "./poller.ts";
import type { PurchaseContext } from "./purchase-context.ts";
import { takesWebhooks, type WebhookCall } from "./webhook-record.ts";

/** A request that may be that of a job in doubt. */
interface Sought extends WebhookCall {
  looks: number;
  faults: number;
  retryAfterMs: number | undefined;
}

export interface FinderOptions {
  context: PurchaseContext;
  /** Takes a job whose request was found. */
  goOn: (found: Job) => void;
  /** Hears that nothing more can come of a call. */
  over: (call: WebhookCall) => Promise<void>;
}

/**
 * Finds out whether the request that a webhook names is that of its job, which is `submitting` or
 * `unknown`. The webhook is not believed: the gateway is asked, with our key.
 */
export class RequestFinder {
  readonly #options: FinderOptions;
  readonly #poller: Poller;
  readonly #sought = new Map<string, Sought>();
  readonly #alerts = new Map<string, Alert>();
  /** When each job was last looked for: one with many webhooks is not looked for more often. */
  readonly #lookedAt = new Map<string, number>();

  constructor(options: FinderOptions) {
    this.#options = options;
    const { clock, timeScale } = options.context;
    const looking = {
      look: (key: string) => this.#look(key),
      isUrgent: (key: string) => this.#alerts.get(key)?.isOn ?? false,
    };
    this.#poller = new Poller(clock, looking, timeScale);
  }

  /** Looks for a job's request: at once, after 2 s and 5 s, then at the normal pace for a minute. */
  seek(call: WebhookCall): void {
    const key = `${call.jobId} ${call.requestId}`;
    const known = this.#sought.get(key);
    if (!known) this.#sought.set(key, { ...call, looks: 0, faults: 0, retryAfterMs: undefined });
    const inMs = this.#alertOf(key).ring();
    if (inMs !== undefined) this.#poller.plan({ jobId: key, owner: call.owner }, inMs);
  }

  stop(): void {
    this.#poller.stop();
    this.#sought.clear();
  }

  #alertOf(key: string): Alert {
    const { clock, timeScale } = this.#options.context;
    const alert = this.#alerts.get(key) ?? new Alert(clock, timeScale);
    this.#alerts.set(key, alert);
    return alert;
  }

  async #look(key: string): Promise<number | undefined> {
    const sought = this.#sought.get(key);
    if (!sought) return undefined;
    const tooSoonMs = this.#tooSoonMs(sought);
    if (tooSoonMs > 0) return tooSoonMs;
    const alert = this.#alertOf(key);
    alert.look();
    const { context } = this.#options;
    try {
      if (await this.#isOver(sought)) return await this.#forget(key, sought);
      sought.faults = 0;
      sought.retryAfterMs = undefined;
    } catch (error) {
      const { code, retryAfterMs } = toAppError(error);
      sought.retryAfterMs = retryAfterMs;
      if (code !== "not_found") sought.faults++;
      context.log.debug({ job: sought.jobId, err: error }, "a job's request is not found yet");
    }
    sought.looks++;
    const next = alert.next() ?? this.#pause(sought, alert);
    return next === undefined ? await this.#forget(key, sought) : next;
  }

  /** How long until the job of a request may be looked for, in milliseconds; notes a look if at once. */
  #tooSoonMs({ jobId }: Sought): number {
    const { clock, timeScale } = this.#options.context;
    const now = clock.elapsed();
    const free =
      (this.#lookedAt.get(jobId) ?? Number.NEGATIVE_INFINITY) + POLL_FLOOR_MS * timeScale;
    if (free > now) return free - now;
    this.#lookedAt.set(jobId, now);
    return 0;
  }

  #pause(sought: Sought, alert: Alert): number | undefined {
    if (!alert.isFresh) return undefined;
    const { looks: polls, faults, retryAfterMs } = sought;
    const { random, timeScale } = this.#options.context;
    const history = { ageMs: 0, polls, faults, retryAfterMs, isTold: false };
    return nextPollMs(undefined, history, random(), timeScale);
  }

  async #forget(key: string, sought: Sought): Promise<undefined> {
    this.#sought.delete(key);
    this.#alerts.delete(key);
    const isLast = [...this.#sought.values()].every(({ jobId }) => jobId !== sought.jobId);
    if (isLast) this.#lookedAt.delete(sought.jobId);
    await this.#options.over(sought).catch((error: unknown) => {
      this.#options.context.log.error({ job: sought.jobId, err: error }, "a webhook stays noted");
    });
    return undefined;
  }

  /** @returns whether nothing is left to find out. @throws what looking throws, and it goes on */
  async #isOver({ owner, jobId, requestId }: Sought): Promise<boolean> {
    const { context, goOn } = this.#options;
    const { store, gateway, clock, reached } = context;
    const job = await store.get(owner, jobId);
    if (!job || !takesWebhooks(job, clock.now())) return true;
    // What was not taken is about to be sent again, or not.
    if (job.state === "queued") return false;
    if (job.state !== "submitting" && job.state !== "unknown") return true;
    if (!isOfOperation(requestId, job)) return true;
    if (await store.knowsRequest(requestId)) return true;
    const report = await gateway.of(owner).status(requestId);
    if (!confirms(report, requestId, job)) return true;
    reached("request-confirmed");
    // Whoever started a job that became unknown was told so, and waits for nothing any more.
    const untold = job.state === "unknown" ? { orphaned: true } : {};
    const patch = { ...attachment(requestId, report, clock.now()), ...untold };
    const found = await move(context, job, "running", patch, { isFound: true });
    if (!found) return false;
    context.log.info({ job: jobId, requestId }, "a webhook led to a job's request");
    reached("request-attached");
    goOn(found);
    return true;
  }
}

/** Whether a request is of the model that a job was sent to, as far as its id tells. */
export function isOfOperation(requestId: string, { operation }: Pick<Job, "operation">): boolean {
  return operationOfRequestId(requestId)?.name === operation;
}

/** Whether the gateway's answer is about the request, and about the job's model. */
function confirms(report: StatusReport, requestId: string, { operation }: Job): boolean {
  const { modelId } = operationNamed(operation) ?? {};
  const isSame = (said: string | undefined, own: string | undefined) =>
    said === undefined || said === own;
  return (
    (report.requestId !== undefined || report.rawStatus !== "") &&
    isSame(report.requestId, requestId) &&
    isSame(report.modelId, modelId)
  );
}
