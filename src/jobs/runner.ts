import type { Caller } from "../core/caller.ts";
import { InTurn } from "../core/in-turn.ts";
import { examine, type Rehearsal, rulesFor } from "./admission.ts";
import { type Cancellation, cancelJob } from "./cancelling.ts";
import { type DeletedByHand, deleteJob } from "./deleting.ts";
import { draftedJob } from "./drafted-job.ts";
import { fetchAgain } from "./fetching-again.ts";
import { forgetWords } from "./forgotten-words.ts";
import { isFinal, isLeftThere, type Job, type WholeJob } from "./job.ts";
import type { JobFigures } from "./job-figures.ts";
import {
  type Draft,
  type JobKind,
  kindOf,
  type StartableKind,
  type StartWishes,
} from "./job-kind.ts";
import type { AdmissionRules, JobPage, JobQuery, SpendingReport, TimeSpan } from "./job-store.ts";
import { type LeaseContext, Leases } from "./leases.ts";
import { requireJob } from "./require-job.ts";
import { sendJob } from "./sending.ts";
import { SendingTurns } from "./sending-turns.ts";
import type { Verdict } from "./settlement.ts";
import { settleByHand } from "./settling.ts";
import { LEFT_TO_OTHERS, refuseIfStopping } from "./shutting-down.ts";
import type { Standing } from "./standing.ts";
import { UnderWay } from "./under-way.ts";
import { UntoldOrphans } from "./untold-orphans.ts";
import { REMEMBERED_DURATIONS, usualMs } from "./usual-duration.ts";
import { type WaitOptions, waitFor } from "./waiting.ts";

/** What a start came to. */
export interface Started {
  job: Job;
  /** An earlier identical job stands for the call; nothing was bought. */
  isDuplicate: boolean;
}

/**
 * The life of a job from its record to its files. A job is on disk before anything is sent, and
 * goes on whether or not anyone is still waiting for it.
 */
export class JobRunner {
  readonly #context: LeaseContext;
  readonly #underWay: UnderWay;
  readonly #leases: Leases;
  #settling: Promise<void> | undefined;
  /** What others may go on with, once for all of it. */
  readonly #leavingThem: InTurn;
  readonly #left = new Set<string>();
  /** One function for all jobs that are followed. */
  readonly #takeOn = (job: Job) => this.#underWay.workOn(job, () => this.#goOn(job, false));
  /** To send: what one owner sends, however much, holds up no other. */
  readonly #turns: SendingTurns;
  /** What answers mention beside what was asked. */
  readonly untold: UntoldOrphans;

  constructor(context: LeaseContext) {
    this.#context = context;
    this.#turns = new SendingTurns(context.clock);
    this.#underWay = new UnderWay(context);
    this.untold = new UntoldOrphans(context);
    this.#leavingThem = new InTurn(() => this.#letGo());
    this.#leases = new Leases(context, {
      recover: (job) => this.#underWay.workOn(job, () => this.#recover(job)),
      keepOnly: (jobIds) => {
        for (const kind of this.#kinds()) kind.keepOnly(jobIds);
      },
    });
  }

  /** Takes up what an earlier process left, and keeps doing so for processes that end. */
  async open(): Promise<void> {
    await this.#leases.open();
    if (!this.#context.keepsPrompts) this.#underWay.add(forgetWords(this.#context.store));
  }

  /**
   * Makes a job of what is asked for, records it and sets it going, unless an identical earlier one
   * stands for it.
   * @returns the recorded job, of which nothing has been sent yet, or the earlier one.
   * @throws {over_budget | storage | invalid_input | not_found} when there must be no such job, or
   *   its result could not be kept; nothing is sent
   */
  async start<R extends StartWishes>(
    kind: StartableKind<R>,
    caller: Caller,
    request: R,
  ): Promise<Started> {
    const draft = await this.#draft(kind, caller, request, false);
    let isRecorded = false;
    try {
      const job = await draftedJob(this.#context, kind, caller.owner, request, draft);
      const rules = this.#rules(job, draft, request, caller);
      const started = await this.#admit(job, draft, rules);
      isRecorded = !started.isDuplicate;
      if (isRecorded) this.#underWay.workOn(started.job, () => this.#goOn(started.job, false));
      return started;
    } finally {
      await draft.over(isRecorded);
    }
  }

  /**
   * Goes the way of {@link JobRunner.start} up to the point where it would keep, record and send
   * something.
   * @throws what `start` throws, but for limits of the user's and a missing address, which are told
   */
  async rehearse<R extends StartWishes>(
    kind: StartableKind<R>,
    caller: Caller,
    request: R,
  ): Promise<Rehearsal> {
    const draft = await this.#draft(kind, caller, request, true);
    try {
      const job = await draftedJob(this.#context, kind, caller.owner, request, draft);
      const rules = this.#rules(job, draft, request, caller);
      const found = await examine(this.#context.store, job, draft, rules);
      return { ...found, job, limits: draft.limits, outline: await draft.outline() };
    } finally {
      await draft.over(false);
    }
  }

  /** Goes on with a job that this process has found and recorded. */
  takeUp(job: Job): void {
    this.#underWay.workOn(job, () => this.#goOn(job, true));
  }

  /** @throws {not_found} */
  async get(owner: string, jobId: string): Promise<WholeJob> {
    return requireJob(this.#context.store, owner, jobId);
  }

  async list(query: JobQuery): Promise<JobPage> {
    return this.#context.store.list(query);
  }

  /**
   * Brings back files of a completed job that are no longer where they were, and goes on with one
   * whose files were paid for and could not be kept.
   * @returns the job, which is `downloading` where its files are fetched as those of any job.
   * @throws {media_expired | bad_upstream_reply | configuration | not_found | storage | cancelled}
   */
  async restore(job: WholeJob): Promise<WholeJob> {
    const kind = kindOf(this.#context.kinds, job);
    if (job.state === "completed") return kind.restore(job);
    if (!isLeftThere(job)) return job;
    refuseIfStopping(this.#context);
    const again = await fetchAgain(this.#context, job, kind);
    if (again) this.takeUp(again);
    return this.get(job.owner, job.jobId);
  }

  /** How an owner stands at the moment. */
  async standing(owner: string): Promise<Standing> {
    return this.#context.store.committed(owner, this.#context.clock.now());
  }

  /** What was spent and what may have been, in US dollars. */
  async spending(owner: string, period?: TimeSpan): Promise<SpendingReport> {
    return this.#context.store.spending(owner, this.#context.clock.now(), period);
  }

  /** How the jobs of everybody stand; see `JobStore.figures`. */
  async figures(): Promise<JobFigures> {
    return this.#context.store.figures();
  }

  /**
   * Stops a job that has not been sent yet, or whose kind can be stopped: what the gateway has
   * accepted runs on there.
   * @throws {not_found}
   */
  cancel(owner: string, jobId: string): Promise<Cancellation> {
    return cancelJob(this.#context, owner, jobId);
  }

  /** As {@link settleByHand}, told to all who look. @throws {not_found | invalid_input} */
  async settle(owner: string, jobId: string, verdict: Verdict): Promise<Job> {
    const { store, clock, events } = this.#context;
    const settled = await settleByHand(store, owner, jobId, verdict, clock.now());
    events.publish(settled);
    return settled;
  }

  /** As {@link deleteJob}. @throws {not_found | invalid_input} when it stays */
  delete(owner: string, jobId: string, withFiles: boolean): Promise<DeletedByHand> {
    return deleteJob(this.#context, owner, jobId, withFiles);
  }

  /** Waits for a job's end, or less. @returns the job as it stands when the wait is over. */
  async wait(job: Job, options: WaitOptions): Promise<WholeJob> {
    await waitFor(this.#context, job, options);
    return this.get(job.owner, job.jobId);
  }

  /** What keeps a job of this process from going on at the moment. */
  heldUpBy(jobId: string): string | undefined {
    return this.#context.events.heldUpBy(jobId);
  }

  /** How long an owner's jobs of an operation have usually taken here, in milliseconds. */
  async usualMs(owner: string, operation: string): Promise<number | undefined> {
    return usualMs(await this.#context.store.durations(owner, operation, REMEMBERED_DURATIONS));
  }

  /** Notes what of a job was part of an answer: its warnings, and its result if it had one. */
  async markDelivered(job: Job): Promise<void> {
    const isFirst = job.deliveredAt === null && isFinal(job.state);
    if (!isFirst && job.warningsTold >= job.warnings.length) return;
    const now = this.#context.clock.now();
    const delivered = isFirst ? { deliveredAt: now } : {};
    const patch = { ...delivered, warningsTold: job.warnings.length };
    const { store } = this.#context;
    await store.patch(job.owner, job.jobId, patch, now).catch(async (error: unknown) => {
      // What was deleted meanwhile has nothing to be noted.
      if (await store.get(job.owner, job.jobId)) throw error;
    });
  }

  /**
   * Waits for what is in flight when the server is asked to end, as long as that is given. All else
   * is left for the next process; nothing new is started.
   */
  settled(): Promise<void> {
    this.#settling ??= this.#settle();
    return this.#settling;
  }

  /** Ends orderly, and gives all jobs back. */
  async close(): Promise<void> {
    await this.settled();
    this.#turns.close();
    this.#leases.close();
    const { store, holder } = this.#context;
    await store.release(holder);
  }

  async #settle(): Promise<void> {
    const { patienceMs } = this.#context;
    const looked = this.#kinds().flatMap((kind) => kind.stop());
    if (looked.length > 0) this.#underWay.add(this.#leave(looked));
    await this.#underWay.over(patienceMs);
  }

  async #draft<R extends StartWishes>(
    kind: StartableKind<R>,
    caller: Caller,
    request: R,
    isRehearsal: boolean,
  ): Promise<Draft> {
    if (!isRehearsal) refuseIfStopping(this.#context);
    return kind.draft(caller, request, isRehearsal);
  }

  /** What the job is admitted by; only of callers elsewhere there are several. */
  #rules(job: WholeJob, draft: Draft, wishes: StartWishes, { isRemote }: Caller): AdmissionRules {
    return rulesFor(job, draft, wishes, isRemote ? this.#context.quotas : undefined);
  }

  /** Records a job, unless an earlier one stands for it or the last check forbids it. */
  async #admit(job: WholeJob, draft: Draft, rules: AdmissionRules): Promise<Started> {
    const { store, holder, events, reached } = this.#context;
    const found = await examine(store, job, draft, rules);
    if (found.earlier) return { job: found.earlier, isDuplicate: true };
    if (found.refusal) throw found.refusal;
    // It may have taken a while to get here.
    refuseIfStopping(this.#context);
    await draft.keep();
    reached("before-record");
    const admission = await store.admit(job, holder, rules);
    if (admission.kind === "duplicate") return { job: admission.job, isDuplicate: true };
    reached("after-record");
    events.publish(job);
    return { job, isDuplicate: false };
  }

  /** Does the next thing for a job that this process holds, whatever state it is in. */
  async #goOn(job: Job, soon: boolean): Promise<void> {
    const kind = kindOf(this.#context.kinds, job);
    switch (job.state) {
      case "queued": {
        const { accountOf = () => "", stopping } = this.#context;
        const account = `${kind.baseUrl} ${accountOf(job.owner)}`;
        const sent = stopping.aborted
          ? job
          : await sendJob(this.#context, job, kind, this.#turns, account);
        if (sent.state !== "queued") return this.#goOn(sent, false);
        if (this.#isLeaving) this.#context.events.holdUp(job.jobId, LEFT_TO_OTHERS);
        return this.#leave([job.jobId]);
      }
      case "running":
        kind.follow(job, soon, this.#takeOn);
        return this.#leave([job.jobId]);
      case "downloading":
        await kind.collect(job);
        return this.#leave([job.jobId]);
    }
  }

  /** Whether others go on with what this server leaves. */
  get #isLeaving(): boolean {
    const { stopping, hasOthers } = this.#context;
    return stopping.aborted && hasOthers === true;
  }

  /**
   * Once the server has been asked to end, leaves jobs that nothing is in flight for: what else is
   * may take long, and others need not wait for that to go on with these.
   */
  async #leave(jobIds: readonly string[]): Promise<void> {
    if (!this.#isLeaving) return;
    for (const jobId of jobIds) this.#left.add(jobId);
    await this.#leavingThem.run();
  }

  async #letGo(): Promise<void> {
    const { store, holder } = this.#context;
    const jobIds = [...this.#left];
    this.#left.clear();
    if (jobIds.length > 0) await store.leave(holder, jobIds);
  }

  async #recover(left: Job): Promise<void> {
    const job = await kindOf(this.#context.kinds, left).recover(left);
    if (job) await this.#goOn(job, true);
  }

  #kinds(): JobKind[] {
    const { named, other } = this.#context.kinds;
    return [...named, other];
  }
}
