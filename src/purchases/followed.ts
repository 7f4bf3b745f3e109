import type { Clock } from "../core/clock.ts";
import type { LogContext } from "../core/log.ts";
import type { StatusReport } from "../gateway/pixazo.ts";
import type { Job } from "../jobs/job.ts";
import type { AnyOperation } from "../models/operation.ts";
import type { Alert } from "./alert.ts";

/** What stays the same as long as a job is looked at. */
export interface FollowedBy {
  clock: Clock;
  /** On whose behalf it is looked at: the poller's one timer belongs to nobody. */
  context: LogContext;
  /** Takes it when it has files to fetch. */
  goOn: (job: Job) => void;
}

/**
 * What looking at a job takes, and nothing more: the job itself is in the store. Of ten thousand all
 * have one shape, and none a function of its own.
 */
export class Followed {
  readonly jobId: string;
  readonly owner: string;
  readonly requestId: string;
  readonly operation: AnyOperation | undefined;
  readonly context: LogContext;
  readonly goOn: (job: Job) => void;
  /** As it is stored. */
  upstreamStatus: string | null;
  /** What the last look brought, if it is still under way there and that is noted. */
  lastStatus: StatusReport["status"] = "processing";
  lastText: string | undefined = undefined;
  polls = 0;
  faults = 0;
  /** Since a webhook has come for it. */
  alert: Alert | undefined = undefined;
  /** Whether the provider was told where to call for it; found out with the first look. */
  hasWebhook: boolean | undefined = undefined;
  /** Whether a look is under way. */
  isLooking = false;
  /** A moment of {@link Clock.elapsed} before which the provider wants no look. */
  notBefore = 0;
  readonly #acceptedAt: number;

  constructor(job: Job, operation: AnyOperation | undefined, { clock, context, goOn }: FollowedBy) {
    this.jobId = job.jobId;
    this.owner = job.owner;
    this.requestId = job.requestId ?? "";
    this.operation = operation;
    this.context = context;
    this.goOn = goOn;
    this.upstreamStatus = job.upstreamStatus;
    this.#acceptedAt =
      clock.elapsed() - Math.max(0, clock.now() - (job.acceptedAt ?? job.createdAt));
  }

  /** Since the gateway accepted it, in milliseconds; a clock that is set does not change it. */
  ageMs(clock: Clock): number {
    return clock.elapsed() - this.#acceptedAt;
  }
}
