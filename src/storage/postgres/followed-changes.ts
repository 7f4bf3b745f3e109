import * as z from "zod";
import { isFinal, type Job, type JobPatch, type Medium, type WholeJob } from "../../jobs/job.ts";
import type { Transition } from "../../jobs/job-store.ts";
import { settlement, type Verdict } from "../../jobs/settlement.ts";
import { type Column, readRow } from "../rows/job-rows.ts";
import { noJob } from "../rows/refusals.ts";
import { stepOf } from "../rows/transition-rows.ts";
import { ownerLock } from "./admission-rows.ts";
import type { ChangedRows } from "./changed-rows.ts";
import type { PostgresDatabase, Statements } from "./database.ts";
import { AnswerLost } from "./database-failures.ts";
import type { Doubt, FollowedJobs, Lease } from "./followed-jobs.ts";
import {
  type HeldJob,
  heldUnderWay,
  newFence,
  noteGain,
  overtake,
  putBack,
} from "./holder-rows.ts";
import { type Guard, isMoreThanARow, type JobName, requestLock, updateJob } from "./job-changes.ts";
import { knowsRequest } from "./job-deletion-rows.ts";

const ONE = "SELECT * FROM jobs WHERE job_id = ? AND owner = ?";
const nameRow = z.object({ job_id: z.string() });
/** Of a job that was just recorded. */
const FIRST_FENCE = 0;
const settledRow = z.object({ settled_at: z.number().nullable() });

/** What becomes of jobs, with the fences of those that this process follows. */
export class FollowedChanges {
  readonly #db: PostgresDatabase;
  readonly #feed: ChangedRows<Job>;
  readonly #followed: FollowedJobs;
  readonly #beingPutBack = new Map<string, Promise<void>>();
  /** Ended jobs that go on here, of which it is about to be known. */
  readonly #comingBack = new Set<string>();
  /** Whether this process may hold jobs of which it does not know. */
  #mayHoldMore = false;

  constructor(db: PostgresDatabase, feed: ChangedRows<Job>, followed: FollowedJobs) {
    this.#db = db;
    this.#feed = feed;
    this.#followed = followed;
  }

  /** @param row of a job that was just recorded, and is followed here. */
  admitted(row: unknown): void {
    this.#followed.follows(row);
    this.#feed.wrote(row);
  }

  /**
   * Takes over jobs, and before that those which this process has got by a change whose answer was
   * lost: it shows that it lives, and so nobody else would ever take them.
   */
  async takeOver(holder: string, take: () => Promise<unknown[]>): Promise<Job[]> {
    const held = this.#mayHoldMore ? await heldUnderWay(this.#db, holder) : [];
    this.#mayHoldMore = false;
    const found = held.filter((row) => !this.#isKnown(row));
    if (found.length > 0) return this.#taken(found);
    const rows = await take().catch((error: unknown) => {
      this.#lost(error);
      throw error;
    });
    return this.#taken(rows);
  }

  #taken(rows: readonly unknown[]): Job[] {
    for (const row of rows) this.#followed.follows(row);
    return rows.map(readRow);
  }

  /** Hears what this process holds: some of it may have been given to it late. */
  holds(held: readonly HeldJob[]): void {
    if (!held.every((row) => this.#isKnown(row))) this.#mayHoldMore = true;
  }

  #isKnown(row: unknown): boolean {
    return this.#followed.isOurs(row) || this.#comingBack.has(nameRow.parse(row).job_id);
  }

  /** Hears that a job may not be recorded, and is not followed here. @returns the failure. */
  refused(error: unknown, { jobId, owner }: JobName, holder: string): unknown {
    const may = { job_id: jobId, lease_holder: holder, fence: FIRST_FENCE };
    if (error instanceof AnswerLost) this.#followed.follows(may);
    else this.#followed.forget(jobId);
    return this.#doubted(error, jobId, { to: "queued", recordedFor: owner });
  }

  /** Remembers what may have been done although it failed. @returns the failure. */
  #doubted(error: unknown, jobId: string, doubt: Doubt): unknown {
    this.#lost(error);
    const isFollowed = this.#followed.leaseOf(jobId) !== undefined;
    if (error instanceof AnswerLost && isFollowed) this.#followed.doubt(jobId, doubt);
    return error;
  }

  #lost(error: unknown): void {
    if (error instanceof AnswerLost) this.#mayHoldMore = true;
  }

  /** Lets go of jobs that may be recorded, or about to be sent, and surely were not sent. */
  async settleDoubts(): Promise<void> {
    for (const jobId of this.#followed.inDoubt()) {
      const doubt = this.#followed.takeDoubt(jobId);
      if (!doubt) continue;
      const lease = this.#followed.leaseOf(jobId);
      if (!lease) continue;
      if (doubt.to !== "queued" && doubt.to !== "submitting") {
        this.#followed.doubt(jobId, doubt);
        continue;
      }
      // Whoever tries it again meanwhile waits: what is put back must not be on its way.
      const back = this.#putBack(jobId, lease, doubt).catch((error: unknown) => {
        this.#followed.doubt(jobId, doubt);
        throw error;
      });
      this.#beingPutBack.set(jobId, back);
      await back.finally(() => this.#beingPutBack.delete(jobId));
    }
  }

  /** What is still being recorded has its owner's lock until that has come to an end. */
  async #putBack(jobId: string, lease: Lease, { recordedFor }: Doubt): Promise<void> {
    if (recordedFor === undefined) return putBack(this.#db, jobId, lease);
    await this.#db.transaction(async (db) => {
      await db.lock(ownerLock(recordedFor));
      await putBack(db, jobId, lease);
    });
    this.#followed.forget(jobId);
  }

  async patch(owner: string, jobId: string, patch: JobPatch, now: number): Promise<Job> {
    const guard = { fence: this.#followed.fenceOf(jobId) };
    const job = await this.#change({ owner, jobId }, { ...patch, updatedAt: now }, {}, guard);
    // What is another's by now stays as it is.
    if (job) return job;
    const [row] = await this.#db.all(ONE, [jobId, owner]);
    if (row === undefined) throw noJob(jobId);
    return readRow(row);
  }

  async patchWhile(job: JobName & Pick<Job, "state">, patch: JobPatch, now: number) {
    const guard = { from: job.state, fence: this.#followed.fenceOf(job.jobId) };
    return this.#change(job, { ...patch, updatedAt: now }, {}, guard);
  }

  async amendMedia(
    owner: string,
    jobId: string,
    change: (media: readonly Medium[]) => readonly Medium[],
    now: number,
  ): Promise<Job> {
    const { job, row } = await this.#db.transaction(async (db) => {
      const [before] = await db.all(`${ONE} FOR UPDATE`, [jobId, owner]);
      if (before === undefined) throw noJob(jobId);
      const job = readRow(before);
      const isAnothers = this.#followed.fenceOf(jobId) !== null && !this.#followed.isOurs(before);
      const media = isAnothers ? job.media : change(job.media);
      if (media === job.media) return { job, row: undefined };
      const amended = { media: [...media], updatedAt: now };
      return { job, row: await updateJob(db, { owner, jobId }, amended, {}, {}) };
    });
    return this.#changed(row) ?? job;
  }

  async transition(owner: string, jobId: string, step: Transition): Promise<Job | undefined> {
    const { from, patch, isFound = false } = step;
    const { change, more } = stepOf(step);
    // What has ended is nobody's, and whoever goes on with it is its next follower.
    const isPassed = isFinal(from);
    const guard = { from, fence: isPassed ? null : this.#followed.fenceOf(jobId), isPassed };
    const which = { owner, jobId };
    if (!isFound && !isPassed) {
      // Only then it is known by which fence.
      const move = () => {
        const fence = this.#followed.fenceOf(jobId);
        return this.#change(which, change, more, { from, fence });
      };
      return this.#inNoDoubt(jobId, step, move);
    }
    this.#comingBack.add(jobId);
    try {
      // In one transaction, so that of several that found the same request one gets it.
      const row = await this.#db.transaction(async (db) => {
        if (isFound) {
          await db.lock(requestLock(patch.requestId ?? ""));
          if (await knowsRequest(db, patch.requestId ?? "", jobId)) return undefined;
        }
        const row = await updateJob(db, which, change, more, guard);
        if (row !== undefined && step.holder) await noteGain(db, step.holder);
        return row;
      });
      return this.#changed(row, more);
    } catch (error) {
      this.#lost(error);
      throw error;
    } finally {
      this.#comingBack.delete(jobId);
    }
  }

  async settle(
    owner: string,
    jobId: string,
    verdict: Verdict,
    now: number,
  ): Promise<Job | undefined> {
    // Looked at and changed in one transaction: the job may be given its request id meanwhile.
    const changed = await this.#db.transaction(async (db) => {
      const [row] = await db.all(`${ONE} FOR UPDATE`, [jobId, owner]);
      if (row === undefined) return undefined;
      const isByHand = settledRow.parse(row).settled_at !== null;
      const patch = settlement(readRow(row), isByHand, verdict);
      if (!patch) return undefined;
      const settled = { ...patch, updatedAt: now };
      return updateJob(db, { owner, jobId }, settled, { settled_at: now }, {});
    });
    return this.#changed(changed);
  }

  async #change(
    which: JobName,
    change: Partial<WholeJob>,
    more: Record<string, Column>,
    guard: Guard = {},
  ): Promise<Job | undefined> {
    const update = (db: Statements) => updateJob(db, which, change, more, guard);
    const row = isMoreThanARow(change)
      ? await this.#db.transaction(update)
      : await update(this.#db);
    return this.#changed(row, more);
  }

  /**
   * Takes note of a change, once it is known to be durable: of one whose answer was lost, others here
   * hear as they hear of what other processes have done.
   */
  #changed(row: unknown, more: Record<string, Column> = {}): Job | undefined {
    if (row === undefined) return undefined;
    this.#feed.wrote(row);
    const job = readRow(row);
    if (isFinal(job.state)) this.#followed.forget(job.jobId);
    else if (more["lease_holder"]) this.#followed.follows(row);
    return job;
  }

  /**
   * Moves a job that an earlier try of ours may have moved already, and may still move: before this
   * one is made, that can be done no more. A job that it moves is not put back behind its back.
   */
  async #inNoDoubt(
    jobId: string,
    { from, to }: Pick<Transition, "from" | "to">,
    move: () => Promise<Job | undefined>,
  ): Promise<Job | undefined> {
    while (this.#beingPutBack.has(jobId)) {
      await this.#beingPutBack.get(jobId)?.catch(() => undefined);
    }
    const doubt = this.#followed.takeDoubt(jobId);
    if (!doubt) {
      return move().catch((error: unknown) => {
        throw this.#doubted(error, jobId, { to });
      });
    }
    let left: Doubt | undefined = doubt;
    try {
      const job = await this.#overtaken(jobId);
      const isThere = job !== undefined && job.state === to && from !== to;
      if (!job || isThere) left = undefined;
      if (!job || isThere) return job;
      // Where the first try has not brought it anywhere, this one is all that may be in doubt.
      if (job.state === from) left = { to };
      const moved = await move();
      if (job.state === from) left = undefined;
      return moved;
    } finally {
      if (left) this.#followed.doubt(jobId, left);
    }
  }

  /** The job, if it is ours still, once nothing is done any more that was asked for it before. */
  async #overtaken(jobId: string): Promise<Job | undefined> {
    const fence = await newFence(this.#db);
    const lease = this.#followed.leaseOf(jobId);
    if (!lease) return undefined;
    this.#followed.mayHave(jobId, fence);
    const row = await overtake(this.#db, jobId, lease, fence);
    if (row === undefined) return undefined;
    const job = readRow(row);
    if (isFinal(job.state)) this.#followed.forget(jobId);
    else this.#followed.follows(row, lease.holder);
    return job;
  }
}
