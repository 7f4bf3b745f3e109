import { moneyRefusal } from "../../jobs/budget.ts";
import type { DeletedJob, Deletions, DeletionWishes, DoomedFile } from "../../jobs/deletion.ts";
import type { Job, JobPatch, Medium, WholeJob } from "../../jobs/job.ts";
import type { JobFigures } from "../../jobs/job-figures.ts";
import type {
  Admission,
  AdmissionRules,
  EndedPage,
  JobPage,
  JobQuery,
  JobStore,
  LeaseHolder,
  SpendingReport,
  TimeSpan,
  Transition,
} from "../../jobs/job-store.ts";
import { type Held, quotaRefusal } from "../../jobs/quotas.ts";
import type { Verdict } from "../../jobs/settlement.ts";
import type { Standing } from "../../jobs/standing.ts";
import { type Column, readRow, readWholeRow } from "../rows/job-rows.ts";
import { noRequest } from "../rows/refusals.ts";
import { duplicateOf, heldBy, ownerLock, refuseRevoked, spendingOf } from "./admission-rows.ts";
import { ChangedRows } from "./changed-rows.ts";
import { isShared, standingOf } from "./committed-rows.ts";
import type { PostgresDatabase, Statements } from "./database.ts";
import { FollowedChanges } from "./followed-changes.ts";
import { FollowedJobs } from "./followed-jobs.ts";
import { Beats, endHung, leave, otherHolders, release, takeOver } from "./holder-rows.ts";
import { InstallationSecret } from "./installation-secret.ts";
import { insertJob, type JobName, requestLock } from "./job-changes.ts";
import { DeletedJobs, forgetPastDuplicates, knowsRequest } from "./job-deletion-rows.ts";
import {
  durationsOf,
  endedJobs,
  figuresOf,
  forgetOld,
  listJobs,
  markMentioned,
  untoldOrphans,
} from "./job-pages.ts";

/** Whoever is admitted waits for others of the same owner, or of all where they share caps. */
const EVERYBODY = "everybody's money";

/** Jobs on a server, shared by any number of machines. */
export class PostgresJobStore implements JobStore {
  readonly #db: PostgresDatabase;
  readonly #feed: ChangedRows<Job>;
  readonly #deleted: DeletedJobs;
  readonly #secret: InstallationSecret;
  readonly #changes: FollowedChanges;
  readonly #beats = new Beats();

  /**
   * @param followed the fences of this process, which its threads are written with as well.
   * @param onWrite hears of each job that is changed or deleted here.
   */
  constructor(
    db: PostgresDatabase,
    followed = new FollowedJobs(),
    onWrite: (jobId: string) => void = () => {},
  ) {
    this.#db = db;
    this.#feed = new ChangedRows(db, "jobs", readRow, onWrite);
    this.#deleted = new DeletedJobs(db, onWrite);
    this.#changes = new FollowedChanges(db, this.#feed, followed);
    this.#secret = new InstallationSecret(db);
  }

  /** To be called before all else: others' changes count from here on. @throws {storage} */
  async begin(): Promise<this> {
    await this.#feed.begin();
    await this.#deleted.feed.begin();
    return this;
  }

  async digest(text: string): Promise<string> {
    return this.#secret.digest(text);
  }

  async admit(job: WholeJob, holder: string, rules: AdmissionRules): Promise<Admission> {
    return this.#db
      .transaction(async (db): Promise<Admission> => {
        const locks = [ownerLock(job.owner), ...((await isShared(db)) ? [EVERYBODY] : [])];
        // Asked in one go: a connection answers in order, so that all else is seen under the locks.
        const { quotas } = rules;
        const [, , found, held, standing] = await Promise.all([
          db.lock(...locks),
          refuseRevoked(db, job.owner),
          this.#earlier(db, job, rules),
          quotas && heldBy(db, job.owner),
          standingOf(db, job.owner, rules.now),
        ]);
        if (found) return { kind: "duplicate", job: found };
        const tooMuch = quotas && held && quotaRefusal(held, quotas);
        if (tooMuch) throw tooMuch;
        const refusal = moneyRefusal(job, rules, standing);
        if (refusal) throw refusal;
        this.#changes.admitted(await insertJob(db, job, holder));
        return { kind: "new" };
      })
      .catch((error: unknown) => {
        throw this.#changes.refused(error, job, holder);
      });
  }

  async committed(owner: string, now: number): Promise<Standing> {
    return standingOf(this.#db, owner, now);
  }

  async held(owner: string): Promise<Held> {
    return heldBy(this.#db, owner);
  }

  async findDuplicate(job: WholeJob, rules: AdmissionRules): Promise<Job | undefined> {
    return duplicateOf(this.#db, job, rules);
  }

  async get(owner: string, jobId: string): Promise<WholeJob | undefined> {
    const [row] = await this.#db.all(
      `SELECT jobs.*, input, wire FROM jobs JOIN job_bodies USING (job_id)
       WHERE job_id = ? AND owner = ?`,
      [jobId, owner],
    );
    return row === undefined ? undefined : readWholeRow(row);
  }

  async findByRequestId(owner: string, requestId: string): Promise<Job | undefined> {
    return byRequest(this.#db, owner, requestId);
  }

  async knowsRequest(requestId: string): Promise<boolean> {
    return knowsRequest(this.#db, requestId);
  }

  async ownerOf(jobId: string): Promise<string | undefined> {
    return (await one(this.#db, "SELECT * FROM jobs WHERE job_id = ?", [jobId]))?.owner;
  }

  async delete(
    owner: string,
    jobIds: readonly string[],
    wishes: DeletionWishes,
  ): Promise<Deletions> {
    return this.#deleted.delete(owner, jobIds, wishes);
  }

  async wasDeleted(owner: string, by: { jobId: string } | { requestId: string }): Promise<boolean> {
    return "jobId" in by
      ? this.#deleted.has(owner, "job_id", by.jobId)
      : this.#deleted.has(owner, "request_id", by.requestId);
  }

  async doomedFiles(): Promise<DoomedFile[]> {
    return this.#deleted.doomedFiles();
  }

  async filesGone(files: readonly DoomedFile[]): Promise<void> {
    await this.#deleted.filesGone(files);
  }

  async deletions(): Promise<DeletedJob[]> {
    return this.#deleted.feed.changes();
  }

  async ended(after: number, limit: number): Promise<EndedPage> {
    return endedJobs(this.#db, after, limit);
  }

  async forgetDuplicates(now: number): Promise<void> {
    await forgetPastDuplicates(this.#db, now);
  }

  async list(query: JobQuery): Promise<JobPage> {
    return listJobs(this.#db, query);
  }

  async durations(owner: string, operation: string, most: number): Promise<number[]> {
    return durationsOf(this.#db, owner, operation, most);
  }

  async patch(owner: string, jobId: string, patch: JobPatch, now: number): Promise<Job> {
    return this.#changes.patch(owner, jobId, patch, now);
  }

  async patchWhile(job: JobName & Pick<Job, "state">, patch: JobPatch, now: number) {
    return this.#changes.patchWhile(job, patch, now);
  }

  async amendMedia(
    owner: string,
    jobId: string,
    change: (media: readonly Medium[]) => readonly Medium[],
    now: number,
  ): Promise<Job> {
    return this.#changes.amendMedia(owner, jobId, change, now);
  }

  async transition(owner: string, jobId: string, step: Transition): Promise<Job | undefined> {
    return this.#changes.transition(owner, jobId, step);
  }

  async settle(
    owner: string,
    jobId: string,
    verdict: Verdict,
    now: number,
  ): Promise<Job | undefined> {
    return this.#changes.settle(owner, jobId, verdict, now);
  }

  async beat(holder: string, isWatching = false): Promise<string[] | undefined> {
    await this.#changes.settleDoubts();
    await endHung(this.#db);
    const held = await this.#beats.beat(this.#db, holder, isWatching);
    if (held) this.#changes.holds(held);
    return held?.map(({ job_id }) => job_id);
  }

  async otherHolders(
    holder: string,
    baseUrl: string | undefined,
    operations: readonly string[] = [],
  ): Promise<LeaseHolder[]> {
    return otherHolders(this.#db, holder, baseUrl, operations);
  }

  async takeOver(
    holder: string,
    gone: readonly string[],
    baseUrl: string | undefined,
    operations: readonly string[] = [],
  ): Promise<Job[]> {
    return this.#changes.takeOver(holder, () =>
      takeOver(this.#db, holder, gone, baseUrl, operations),
    );
  }

  async release(holder: string): Promise<void> {
    await release(this.#db, holder);
  }

  async leave(holder: string, jobIds: readonly string[]): Promise<void> {
    await leave(this.#db, holder, jobIds);
  }

  async changes(): Promise<Job[]> {
    return this.#feed.changes();
  }

  async untoldOrphans(owner: string): Promise<Job[]> {
    return untoldOrphans(this.#db, owner);
  }

  async noteMentioned(owner: string, jobIds: readonly string[], now: number): Promise<void> {
    await markMentioned(this.#db, owner, jobIds, now);
  }

  async spending(owner: string, now: number, period?: TimeSpan): Promise<SpendingReport> {
    return spendingOf(this.#db, owner, now, period);
  }

  async figures(): Promise<JobFigures> {
    return figuresOf(this.#db);
  }

  async forget(keepDays: number, now: number): Promise<number> {
    return this.#db.transaction((db) => forgetOld(db, keepDays, now));
  }

  /** Ends the connections, and with them whatever else uses them. */
  async close(): Promise<void> {
    await this.#db.close();
  }

  async #earlier(db: Statements, job: WholeJob, rules: AdmissionRules): Promise<Job | undefined> {
    const ofRequest = rules.isFound ? await this.#ofSameRequest(db, job) : undefined;
    return ofRequest ?? duplicateOf(db, job, rules);
  }

  /** @throws {not_found} when somebody else's has or had its request id, or a deleted one. */
  async #ofSameRequest(db: Statements, { owner, requestId }: Job): Promise<Job | undefined> {
    if (requestId === null) return undefined;
    await db.lock(requestLock(requestId));
    const own = await byRequest(db, owner, requestId);
    if (own || !(await knowsRequest(db, requestId))) return own;
    throw noRequest(requestId);
  }
}

function byRequest(db: Statements, owner: string, requestId: string): Promise<Job | undefined> {
  const sql = "SELECT * FROM jobs WHERE request_id = ? AND owner = ? ORDER BY seq LIMIT 1";
  return one(db, sql, [requestId, owner]);
}

async function one(
  db: Statements,
  sql: string,
  values: readonly Column[],
): Promise<Job | undefined> {
  const [row] = await db.all(sql, values);
  return row === undefined ? undefined : readRow(row);
}
