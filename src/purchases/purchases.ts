import type { Caller } from "../core/caller.ts";
import type { Job, WholeJob } from "../jobs/job.ts";
import type { Draft, Send, StartableKind } from "../jobs/job-kind.ts";
import { OPERATIONS, operationNamed } from "../models/catalogue.ts";
import { Collector } from "./collector.ts";
import { type Sheet, sheetOf } from "./contact-sheets.ts";
import { Follower } from "./follower.ts";
import type { PurchaseContext } from "./purchase-context.ts";
import { draftPurchase, type PurchaseRequest } from "./purchase-draft.ts";
import { recoverPurchase } from "./recovery.ts";
import { loadPurchase } from "./submission.ts";

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

  draft(caller: Caller, request: PurchaseRequest, isRehearsal: boolean): Promise<Draft> {
    return draftPurchase(this.#context, caller, request, isRehearsal);
  }

  load(queued: Job, leaving: AbortSignal): Promise<Send | undefined> {
    return loadPurchase(this.#context, queued, operationNamed(queued.operation), leaving);
  }

  follow(running: Job, soon: boolean, goOn: (job: Job) => void): void {
    this.#follower.follow(running, operationNamed(running.operation), soon, goOn);
  }

  /** Whether any job is looked at from here. */
  get isFollowing(): boolean {
    return this.#follower.isFollowing;
  }

  /** A webhook has come for a job. @returns whether it is followed here. */
  ring(jobId: string): boolean {
    return this.#follower.ring(jobId);
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

  /** All pictures of a job as one. */
  sheetOf(job: WholeJob): Promise<Sheet> {
    return sheetOf(this.#context, job);
  }

  /** Its hosted files go with every job that needs none any more. */
  async withdrawn(): Promise<void> {}

  keepOnly(jobIds: ReadonlySet<string>): void {
    this.#follower.keepOnly(jobIds);
    this.#collector.keepOnly(jobIds);
  }

  stop(): string[] {
    return this.#follower.stop();
  }
}
