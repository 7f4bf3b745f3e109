import * as z from "zod";
import type { Job, JobPatch, JobState, Medium, WholeJob } from "../../jobs/job.ts";
import type { Transition } from "../../jobs/job-store.ts";
import { settlement, type Verdict } from "../../jobs/settlement.ts";
import { type Column, readRow } from "../rows/job-rows.ts";
import { noJob } from "../rows/refusals.ts";
import { stepOf } from "../rows/transition-rows.ts";
import type { ChangeFeed } from "./change-feed.ts";
import type { Connection } from "./connection.ts";
import { GroupedWrites } from "./grouped-writes.ts";
import { type JobName, updateJob } from "./job-writes.ts";
import { knowsRequest } from "./request-rows.ts";

const settledRow = z.object({ settled_at: z.number().nullable() });

/** What becomes of single jobs once they are recorded. */
export class JobUpdates {
  readonly #connection: Connection;
  readonly #feed: ChangeFeed<Job>;
  readonly #records: GroupedWrites;
  readonly #changes: GroupedWrites;

  /** @param records what something is bought or sent upon. */
  constructor(connection: Connection, feed: ChangeFeed<Job>, records: GroupedWrites) {
    this.#connection = connection;
    this.#feed = feed;
    this.#records = records;
    this.#changes = new GroupedWrites((work) => connection.transaction(work));
  }

  /** Writes what waits to be written. */
  flush(): void {
    this.#changes.flush();
  }

  async patch(owner: string, jobId: string, patch: JobPatch, now: number): Promise<Job> {
    const job = await this.#change({ owner, jobId }, { ...patch, updatedAt: now }, {});
    if (!job) throw noJob(jobId);
    return job;
  }

  async patchWhile(job: JobName & Pick<Job, "state">, patch: JobPatch, now: number) {
    return this.#change(job, { ...patch, updatedAt: now }, {}, job.state);
  }

  async amendMedia(
    owner: string,
    jobId: string,
    change: (media: readonly Medium[]) => readonly Medium[],
    now: number,
  ): Promise<Job> {
    return this.#connection.transaction(() => {
      const [found] = this.#find({ owner, jobId });
      if (found === undefined) throw noJob(jobId);
      const job = readRow(found);
      const media = change(job.media);
      if (media === job.media) return job;
      return this.#update({ owner, jobId }, { media: [...media], updatedAt: now }, {}) ?? job;
    });
  }

  async transition(owner: string, jobId: string, step: Transition): Promise<Job | undefined> {
    const { from, to, patch, now, isFound = false } = step;
    const { change, more } = stepOf(step);
    const which = { owner, jobId };
    // What is sent next must be known to whoever opens the database after us.
    if (to === "submitting") {
      const update = () => updateJob(this.#connection, which, change, more, from);
      const row = await this.#records.run(update, (moved) => {
        if (moved) this.#update(which, { state: from, updatedAt: now }, {}, to);
      });
      return this.#wrote(row);
    }
    // In one transaction, so that of several that found the same request one gets it.
    const isFree = () => !(isFound && knowsRequest(this.#connection, patch.requestId ?? "", jobId));
    return this.#change(which, change, more, from, isFree);
  }

  async settle(
    owner: string,
    jobId: string,
    verdict: Verdict,
    now: number,
  ): Promise<Job | undefined> {
    // Looked at and changed in one transaction: the job may be given its request id meanwhile.
    return this.#connection.transaction(() => {
      const [row] = this.#find({ owner, jobId });
      if (row === undefined) return undefined;
      const isByHand = settledRow.parse(row).settled_at !== null;
      const patch = settlement(readRow(row), isByHand, verdict);
      if (!patch) return undefined;
      return this.#update({ owner, jobId }, { ...patch, updatedAt: now }, { settled_at: now });
    });
  }

  #find({ owner, jobId }: JobName): unknown[] {
    const sql = "SELECT * FROM jobs WHERE job_id = ? AND owner = ?";
    return this.#connection.all(sql, [jobId, owner]);
  }

  /** With what else is written at the moment. */
  async #change(
    which: JobName,
    change: Partial<WholeJob>,
    more: Record<string, Column>,
    from?: JobState,
    isFree = () => true,
  ): Promise<Job | undefined> {
    const row = await this.#changes.run(() =>
      isFree() ? updateJob(this.#connection, which, change, more, from) : undefined,
    );
    return this.#wrote(row);
  }

  #update(
    which: JobName,
    change: Partial<WholeJob>,
    more: Record<string, Column>,
    from?: JobState,
  ): Job | undefined {
    return this.#wrote(updateJob(this.#connection, which, change, more, from));
  }

  #wrote(row: unknown): Job | undefined {
    if (row === undefined) return undefined;
    this.#feed.wrote(row);
    return readRow(row);
  }
}
