import { newJobId } from "../core/ids.ts";
import type { StagedFile } from "../inputs/hosting.ts";
import type { Job, WholeJob } from "../jobs/job.ts";
import type { Draft, JobPlan, Send, StartableKind, StartWishes } from "../jobs/job-kind.ts";
import { forRecord } from "../jobs/record.ts";
import { OPERATIONS, operationNamed } from "../models/catalogue.ts";
import type { AnyOperation, Prepared } from "../models/operation.ts";
import { Collector } from "./collector.ts";
import { Follower } from "./follower.ts";
import { imagesAsked } from "./keeping.ts";
import { checkPrice, estimateUsd } from "./prices.ts";
import type { PurchaseContext } from "./purchase-context.ts";
import { recoverPurchase } from "./recovery.ts";
import { loadPurchase } from "./submission.ts";

export interface PurchaseRequest extends StartWishes {
  operation: AnyOperation;
  prepared: Prepared;
  /** What the provider is to fetch here. */
  staged?: readonly StagedFile[] | undefined;
  /** The most it may cost, in US dollars. */
  maxCostUsd?: number | undefined;
}

/** The image kind of job: bought at the gateway, watched until it has files, which are fetched. */
export class Purchases implements StartableKind<PurchaseRequest> {
  readonly operations = OPERATIONS.map(({ name }) => name);
  readonly baseUrl: string;
  readonly recoversAt: string | undefined;
  readonly timeScale: number;
  readonly #context: PurchaseContext;
  readonly #collector: Collector;
  readonly #follower: Follower;

  constructor(context: PurchaseContext) {
    this.#context = context;
    this.baseUrl = context.baseUrl;
    // Whatever was sent to a base that ends with its process has ended by now.
    this.recoversAt = context.baseIsEphemeral ? undefined : context.baseUrl;
    this.timeScale = context.timeScale;
    this.#collector = new Collector(context);
    this.#follower = new Follower(context);
  }

  async draft(owner: string, request: PurchaseRequest): Promise<Draft> {
    const { media, saving, hosting, prices, limits } = this.#context;
    const { operation, prepared, saveTo, maxCostUsd, staged = [] } = request;
    const pictures = imagesAsked(prepared);
    const reservedUsd = estimateUsd(operation, pictures, prices);
    const plan: JobPlan = {
      jobId: newJobId(),
      operation: operation.name,
      threadId: null,
      input: forRecord(prepared.input),
      wire: prepared.wire,
      identity: prepared.identity ?? prepared.wire,
      saveTo: saveTo ?? null,
      charge: "reserved",
      reservedUsd,
      warnings: prepared.warnings,
    };
    return {
      plan,
      limits,
      async check() {
        checkPrice(operation, reservedUsd, maxCostUsd, limits);
        await media.checkRoom(owner, operation.media, pictures);
        if (saveTo !== undefined) await saving.check(saveTo, operation.media, pictures);
        await hosting.reserve(plan.jobId, staged);
      },
      async over(isRecorded) {
        if (!isRecorded) await hosting.release(plan.jobId);
      },
    };
  }

  load(queued: Job): Promise<Send | undefined> {
    return loadPurchase(this.#context, queued, operationNamed(queued.operation));
  }

  follow(running: Job, soon: boolean, goOn: (job: Job) => void): void {
    this.#follower.follow(running, operationNamed(running.operation), soon, goOn);
  }

  async collect(downloading: Job): Promise<void> {
    await this.#collector.collect(downloading, operationNamed(downloading.operation));
  }

  async recover(left: Job): Promise<Job | undefined> {
    return (await recoverPurchase(this.#context, left)) ? left : undefined;
  }

  restore(completed: WholeJob): Promise<WholeJob> {
    return this.#collector.restore(completed, operationNamed(completed.operation));
  }

  /** Its hosted files go with every job that needs none any more. */
  async withdrawn(): Promise<void> {}

  keepOnly(jobIds: ReadonlySet<string>): void {
    this.#follower.keepOnly(jobIds);
    this.#collector.keepOnly(jobIds);
  }

  stop(): void {
    this.#follower.stop();
  }
}
