import { AppError } from "../../core/errors.ts";
import { moneyRefusal } from "../../jobs/budget.ts";
import type { DeletedJob, Deletions, DeletionWishes, DoomedFile } from "../../jobs/deletion.ts";
import { isFinal, type Job, type JobPatch, type Medium, type WholeJob } from "../../jobs/job.ts";
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
import { ChangeFeed } from "./change-feed.ts";
import type { Connection } from "./connection.ts";
import { duplicateOf } from "./duplicate-rows.ts";
import { figuresOf } from "./figure-rows.ts";
import { GroupedWrites } from "./grouped-writes.ts";
import { heldBy } from "./held-rows.ts";
import { JobRemoval } from "./job-removal.ts";
import { JobUpdates } from "./job-updates.ts";
import { insertJob, type JobName } from "./job-writes.ts";
import { LeaseTables } from "./lease-rows.ts";
import { durationsOf, endedJobs, listJobs } from "./list-rows.ts";
import { spendingOf, standingOf } from "./money-rows.ts";
import { forgetOld } from "./old-rows.ts";
import { markMentioned, untoldOrphans } from "./orphan-rows.ts";
import { jobOfRequest, knowsRequest } from "./request-rows.ts";
import { refuseRevoked } from "./revoked.ts";
import { fillPending, fillWords } from "./search-filling.ts";
import { StoreSecret } from "./store-secret.ts";

/** The embedded store: one SQLite file, shared by any number of processes. */
export class SqliteJobStore implements JobStore {
  readonly #connection: Connection;
  readonly #holders: LeaseTables;
  readonly #feed: ChangeFeed<Job>;
  readonly #removal: JobRemoval;
  readonly #secret: StoreSecret;
  /** What something is bought or sent upon. */
  readonly #records: GroupedWrites;
  readonly #changes: JobUpdates;

  /** @param connection to the file in which others of the program keep their tables as well. */
  constructor(connection: Connection) {
    this.#connection = connection;
    this.#holders = new LeaseTables(connection);
    this.#feed = new ChangeFeed(connection, "jobs", readRow);
    this.#removal = new JobRemoval(connection);
    this.#secret = new StoreSecret(connection);
    this.#records = new GroupedWrites((work, takeBack) => connection.recorded(work, takeBack));
    this.#changes = new JobUpdates(connection, this.#feed, this.#records);
  }

  async digest(text: string): Promise<string> {
    return this.#secret.digest(text);
  }

  async admit(job: WholeJob, holder: string, rules: AdmissionRules): Promise<Admission> {
    const record = (): { admission: Admission; row?: unknown } => {
      refuseRevoked(this.#connection, job.owner);
      const earlier =
        (rules.isFound ? this.#ofSameRequest(job) : undefined) ??
        duplicateOf(this.#connection, job, rules);
      if (earlier) return { admission: { kind: "duplicate", job: earlier } };
      const { quotas } = rules;
      const tooMuch = quotas && quotaRefusal(heldBy(this.#connection, job.owner), quotas);
      if (tooMuch) throw tooMuch;
      const standing = standingOf(this.#connection, job.owner, rules.now);
      const refusal = moneyRefusal(job, rules, standing);
      if (refusal) throw refusal;
      this.#holders.expect(holder);
      return { admission: { kind: "new" }, row: insertJob(this.#connection, job, holder) };
    };
    const { admission, row } = await this.#records.run(record, (made) => {
      if (made.admission.kind !== "new") return;
      this.#connection.run("DELETE FROM jobs WHERE job_id = ?", [job.jobId]);
    });
    if (row !== undefined) this.#feed.wrote(row);
    return admission;
  }

  async committed(owner: string, now: number): Promise<Standing> {
    return standingOf(this.#connection, owner, now);
  }

  async held(owner: string): Promise<Held> {
    return heldBy(this.#connection, owner);
  }

  async findDuplicate(job: WholeJob, rules: AdmissionRules): Promise<Job | undefined> {
    return duplicateOf(this.#connection, job, rules);
  }

  async get(owner: string, jobId: string): Promise<WholeJob | undefined> {
    const [row] = this.#connection.all(
      `SELECT jobs.*, input, wire FROM jobs JOIN job_bodies USING (job_id)
       WHERE job_id = ? AND owner = ?`,
      [jobId, owner],
    );
    return row === undefined ? undefined : readWholeRow(row);
  }

  async findByRequestId(owner: string, requestId: string): Promise<Job | undefined> {
    return jobOfRequest(this.#connection, owner, requestId);
  }

  async knowsRequest(requestId: string): Promise<boolean> {
    return knowsRequest(this.#connection, requestId);
  }

  async ownerOf(jobId: string): Promise<string | undefined> {
    return this.#one("SELECT * FROM jobs WHERE job_id = ?", [jobId])?.owner;
  }

  async delete(
    owner: string,
    jobIds: readonly string[],
    wishes: DeletionWishes,
  ): Promise<Deletions> {
    return this.#removal.delete(owner, jobIds, wishes);
  }

  async wasDeleted(owner: string, by: { jobId: string } | { requestId: string }): Promise<boolean> {
    return "jobId" in by
      ? this.#removal.has(owner, "job_id", by.jobId)
      : this.#removal.has(owner, "request_id", by.requestId);
  }

  async doomedFiles(): Promise<DoomedFile[]> {
    return this.#removal.doomedFiles();
  }

  async filesGone(files: readonly DoomedFile[]): Promise<void> {
    this.#removal.filesGone(files);
  }

  async deletions(): Promise<DeletedJob[]> {
    return this.#removal.deletions();
  }

  async ended(after: number, limit: number): Promise<EndedPage> {
    return endedJobs(this.#connection, after, limit);
  }

  async forgetDuplicates(now: number): Promise<void> {
    this.#removal.forgetDuplicates(now);
    // This is called every few seconds, when nobody waits, so that a search has little left to write.
    fillPending(this.#connection);
  }

  async list(query: JobQuery): Promise<JobPage> {
    if (query.words) await this.#fillWords();
    return listJobs(this.#connection, query);
  }

  async durations(owner: string, operation: string, most: number): Promise<number[]> {
    return durationsOf(this.#connection, owner, operation, most);
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
    // Who had nothing left to do has something again.
    if (isFinal(step.from) && step.holder !== undefined) this.#holders.expect(step.holder);
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

  async beat(holder: string, isWatching = false): Promise<string[]> {
    return this.#holders.beat(holder, isWatching);
  }

  async otherHolders(
    holder: string,
    baseUrl: string | undefined,
    operations: readonly string[] = [],
  ): Promise<LeaseHolder[]> {
    return this.#holders.others(holder, baseUrl, operations);
  }

  async takeOver(
    holder: string,
    gone: readonly string[],
    baseUrl: string | undefined,
    operations: readonly string[] = [],
  ): Promise<Job[]> {
    return this.#holders.takeOver(holder, gone, baseUrl, operations);
  }

  async release(holder: string): Promise<void> {
    this.#flush();
    this.#holders.release(holder);
  }

  async leave(holder: string, jobIds: readonly string[]): Promise<void> {
    this.#flush();
    this.#holders.leave(holder, jobIds);
  }

  async changes(): Promise<Job[]> {
    this.#connection.watch();
    return this.#feed.changes();
  }

  async untoldOrphans(owner: string): Promise<Job[]> {
    return untoldOrphans(this.#connection, owner);
  }

  async noteMentioned(owner: string, jobIds: readonly string[], now: number): Promise<void> {
    markMentioned(this.#connection, owner, jobIds, now);
  }

  async spending(owner: string, now: number, period?: TimeSpan): Promise<SpendingReport> {
    return spendingOf(this.#connection, owner, now, period);
  }

  async figures(): Promise<JobFigures> {
    this.#connection.requireFiles();
    return figuresOf(this.#connection);
  }

  async forget(keepDays: number, now: number): Promise<number> {
    return this.#connection.transaction(() => forgetOld(this.#connection, keepDays, now));
  }

  /** Ends the connection, and with it whatever else uses it. */
  async close(): Promise<void> {
    this.#flush();
    this.#connection.close();
  }

  #flush(): void {
    this.#records.flush();
    this.#changes.flush();
  }

  async #fillWords(): Promise<void> {
    try {
      await fillWords(this.#connection, "job_words");
    } catch (error) {
      // On a full disk, what there is can still be read.
      if (!(error instanceof AppError && error.code === "storage")) throw error;
    }
  }

  /** @throws {not_found} when somebody else's has or had its request id, or a deleted one. */
  #ofSameRequest({ owner, requestId }: Job): Job | undefined {
    if (requestId === null) return undefined;
    const own = jobOfRequest(this.#connection, owner, requestId);
    if (own || !knowsRequest(this.#connection, requestId)) return own;
    throw noRequest(requestId);
  }

  #one(sql: string, values: readonly Column[]): Job | undefined {
    const row = this.#connection.all(sql, values)[0];
    return row === undefined ? undefined : readRow(row);
  }
}
