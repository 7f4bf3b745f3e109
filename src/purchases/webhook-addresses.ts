import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { newWebhookSecret, WEBHOOK_PATH } from "../core/webhook-secret.ts";
import type { Job } from "../jobs/job.ts";
import type { LifePoint } from "../jobs/job-context.ts";
import type { WebhookRecord } from "./webhook-record.ts";

/** Where the provider can reach this server. */
export interface WebhookPlace {
  /** Without a slash at its end. */
  url: string;
  /** Makes sure that something of ours listens there. @throws {configuration} */
  listen(): Promise<void>;
}

export interface WebhookAddressOptions {
  record: Pick<WebhookRecord, "expect" | "isExpected">;
  /** `undefined` where the provider can reach nothing. */
  place: WebhookPlace | undefined;
  clock: Clock;
  log: Log;
  reached: (point: LifePoint) => void;
}

/** The addresses at which the provider may say that a job goes on. */
export class WebhookAddresses {
  readonly #options: WebhookAddressOptions;

  constructor(options: WebhookAddressOptions) {
    this.#options = options;
  }

  /**
   * An address for one request of a job, by a secret that is on disk when this resolves. Never a
   * reason not to buy: what has no webhook is looked at.
   * @returns `undefined` where none can come.
   */
  async next(job: Job): Promise<string | undefined> {
    const { record, place, clock, log, reached } = this.#options;
    if (!place) return undefined;
    try {
      await place.listen();
      const secret = newWebhookSecret();
      await record.expect(job, secret, clock.now());
      reached("after-secret");
      return place.url + WEBHOOK_PATH + secret;
    } catch (error) {
      log.warn({ job: job.jobId, err: error }, "a job is sent without a webhook");
      return undefined;
    }
  }

  /** Whether the provider was told where to call for the job. */
  isExpected(job: Pick<Job, "owner" | "jobId">): Promise<boolean> {
    return this.#options.record.isExpected(job.owner, job.jobId);
  }
}
