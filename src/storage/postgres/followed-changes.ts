import * as z from "zod";
import {
  isFinal,
  type Job,
  type JobPatch,
  type JobState,
  type Medium,
  type WholeJob,
} from "../../jobs/job.ts";
import type { Transition } from "../../jobs/job-store.ts";
import { settlement, type Verdict } from "../../jobs/settlement.ts";
import { type Column, readRow } from "../rows/job-rows.ts";
import { noJob } from "../rows/refusals.ts";
import { stepOf } from "../rows/transition-rows.ts";
import type { ChangedRows } from "./changed-rows.ts";
import type { PostgresDatabase, Statements } from "./database.ts";
import { AnswerLost } from "./database-failures.ts";
import type { FollowedJobs } from "./followed-jobs.ts";
import { heldUnderWay, putBack } from "./holder-rows.ts";
import {
  type Guard,
  isMoreThanARow,
  type JobName,
  requestLock,
  touchJob,
  updateJob,
} from "./job-changes.ts";
import { knowsRequest } from "./job-deletion-rows.ts";

const ONE = "SELECT * FROM jobs WHERE job_id = ? AND owner = ?";
const settledRow = z.object({ settled_at: z.number().nullable() });

/** What becomes of jobs, with the fences of those that this process follows. */
export class FollowedChanges {
  readonly #db: PostgresDatabase;
  readonly #feed: ChangedRows<Job>;
  readonly #followed: FollowedJobs;
  readonly #beingPutBack = new Map<string, Promise<void>>();
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
    const found = held.filter((row) => !this.#followed.isOurs(row));
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

  /** Hears that a job may not be recorded, and is not followed here. @returns the failure. */
  refused(error: unknown, jobId: string): unknown {
    this.#followed.forget(jobId);
    return this.#doubted(error, jobId, "queued");
  }

  /** Remembers what may have been done although it failed. @returns the failure. */
  #doubted(error: unknown, jobId: string, to: JobState): unknown {
    this.#lost(error);
    if (error instanceof AnswerLost) this.#followed.doubt(jobId, to);
    return error;
  }

  #lost(error: unknown): void {
    if (error instanceof AnswerLost) this.#mayHoldMore = true;
  }

  /** Lets go of jobs that may be recorded, or about to be sent, and surely were not sent. */
  async settleDoubts(holder: string): Promise<void> {
    for (const jobId of this.#followed.inDoubt()) {
      const doubt = this.#followed.takeDoubt(jobId);
      if (!doubt) continue;
      if (doubt.to !== "queued" && doubt.to !== "submitting") {
        this.#followed.doubt(jobId, doubt.to);
        continue;
      }
      const fence = this.#followed.fenceOf(jobId) ?? 0;
      // Whoever tries it again meanwhile waits: what is put back must not be on its way.
      const back = putBack(this.#db, holder, jobId, fence).catch((error: unknown) => {
        this.#followed.doubt(jobId, doubt.to);
        throw error;
      });
      this.#beingPutBack.set(jobId, back);
      await back.finally(() => this.#beingPutBack.delete(jobId));
    }
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
    const { from, to, patch, isFound = false } = step;
    const { change, more } = stepOf(step);
    // What has ended is nobody's, and whoever goes on with it is its next follower.
    const isPassed = isFinal(from);
    const guard = { from, fence: isPassed ? null : this.#followed.fenceOf(jobId), isPassed };
    if (!isFound) {
      return this.#inNoDoubt(owner, jobId, to, () =>
        this.#change({ owner, jobId }, change, more, guard),
      );
    }
    // In one transaction, so that of several that found the same request one gets it.
    const row = await this.#db
      .transaction(async (db) => {
        await db.lock(requestLock(patch.requestId ?? ""));
        if (await knowsRequest(db, patch.requestId ?? "", jobId)) return undefined;
        return updateJob(db, { owner, jobId }, change, more, guard);
      })
      .catch((error: unknown) => {
        this.#lost(error);
        throw error;
      });
    return this.#changed(row, more);
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
   * Moves a job that an earlier try of ours may have moved already. From here on that is this one's
   * to settle: a job that it moves is not put back behind its back.
   */
  async #inNoDoubt(
    owner: string,
    jobId: string,
    to: JobState,
    move: () => Promise<Job | undefined>,
  ): Promise<Job | undefined> {
    while (this.#beingPutBack.has(jobId)) {
      await this.#beingPutBack.get(jobId)?.catch(() => undefined);
    }
    const doubt = this.#followed.takeDoubt(jobId);
    try {
      const moved = await move();
      if (moved || !doubt) return moved;
      if (doubt.to === to) return await this.#movedBefore(owner, jobId, to);
    } catch (error) {
      // The first one stays: whatever came of this try, the job may be where that has brought it.
      if (doubt) this.#followed.doubt(jobId, doubt.to);
      throw doubt ? error : this.#doubted(error, jobId, to);
    }
    this.#followed.doubt(jobId, doubt.to);
    return undefined;
  }

  /**
   * The job, if it was moved so by an earlier try of ours whose answer was lost. That is noted with
   * it, so that a put-back which the server carries out late, its answer long given up, finds it changed.
   */
  async #movedBefore(owner: string, jobId: string, to: JobState): Promise<Job | undefined> {
    const fence = this.#followed.fenceOf(jobId);
    const row = fence === null ? undefined : await touchJob(this.#db, { owner, jobId }, to, fence);
    return row === undefined ? undefined : readRow(row);
  }
}
