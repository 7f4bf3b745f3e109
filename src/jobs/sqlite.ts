import * as z from "zod";
import { AppError } from "../core/errors.ts";
import { exactUsd } from "../core/money.ts";
import { checkCaps, periodStarts } from "./budget.ts";
import { Connection } from "./connection.ts";
import { canBecome, isFinal, type Job, type JobPatch, type JobState } from "./job.ts";
import { standsForRepeat } from "./replay.ts";
import { type Column, columnsOf, readRow } from "./rows.ts";
import type {
  Admission,
  AdmissionRules,
  Holder,
  JobPage,
  JobQuery,
  JobStore,
  SpendingReport,
  Sums,
} from "./store.ts";

const UNFINISHED = "state IN ('queued', 'submitting', 'running', 'downloading')";
const NEWS = `owner = ? AND orphaned = 1 AND delivered_at IS NULL AND mentioned_at IS NULL
  AND state = 'completed'`;
const NEXT_REVISION = "(SELECT coalesce(max(revision), 0) + 1 FROM jobs)";
const CHARGED = "charge <> 'none'";
const SUMS = `
  total(CASE charge WHEN 'spent' THEN coalesce(cost_usd, reserved_usd) END) AS spentUsd,
  total(CASE charge WHEN 'reserved' THEN reserved_usd END) AS reservedUsd,
  total(CASE charge WHEN 'uncertain' THEN reserved_usd END) AS uncertainUsd,
  count(*) AS jobs,
  count(*) FILTER (WHERE coalesce(cost_usd, reserved_usd) IS NULL) AS unpriced`;
/** Takes a base URL and a list of operations. */
const OURS = `(base_url = coalesce(?, base_url)
  OR operation IN (SELECT value FROM json_each(?)))`;
const MAX_DAYS = 31;
const TAKEN_AT_ONCE = 500;
const DAY_MS = 86_400_000;

const usd = z.number().transform(exactUsd);
const jobIdRow = z.object({ job_id: z.string() });
const holderRow = z.object({ holder: z.string(), beat: z.number() });
const numberRow = z.object({ n: z.number() });
const revisionRow = z.object({ revision: z.number() });
const sequenceRow = z.object({ seq: z.number() });
const sumsSchema = z.object({
  spentUsd: usd,
  reservedUsd: usd,
  uncertainUsd: usd,
  jobs: z.number(),
  unpriced: z.number(),
});

/** The embedded store: one SQLite file, shared by any number of processes. */
export class SqliteJobStore implements JobStore {
  /** For other parts of the program that keep tables in the same file. */
  readonly connection: Connection;
  #seenVersion = -1;
  #seenRevision = 0;
  /** Revisions that this store wrote itself since the last look at changes. */
  readonly #own = new Set<number>();

  /** @throws {storage} when the folder or the database cannot be used. */
  constructor(folder: string) {
    this.connection = new Connection(folder);
    this.#seenRevision = this.#number(`SELECT coalesce(max(revision), 0) AS n FROM jobs`, []);
  }

  async admit(job: Job, holder: string, rules: AdmissionRules): Promise<Admission> {
    return this.connection.transaction((): Admission => {
      const twin = this.#twinOf(job, rules);
      if (twin) return { kind: "twin", job: twin };
      const { day, month } = periodStarts(rules.now);
      const committed = {
        todayUsd: this.#committed(job, day),
        thisMonthUsd: this.#committed(job, month),
      };
      checkCaps(job.reservedUsd, committed, rules.limits);
      this.#insert(job, holder);
      return { kind: "new" };
    });
  }

  async findTwin(job: Job, rules: AdmissionRules): Promise<Job | undefined> {
    return this.#twinOf(job, rules);
  }

  async get(owner: string, jobId: string): Promise<Job | undefined> {
    return this.#one("SELECT * FROM jobs WHERE job_id = ? AND owner = ?", [jobId, owner]);
  }

  async findByRequestId(owner: string, requestId: string): Promise<Job | undefined> {
    return this.#one("SELECT * FROM jobs WHERE request_id = ? AND owner = ? ORDER BY seq", [
      requestId,
      owner,
    ]);
  }

  async list(query: JobQuery): Promise<JobPage> {
    const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(query.cursor);
    const filters = ["owner = ?", "seq < ?"];
    const values: Column[] = [query.owner, before];
    if (query.operation !== undefined) {
      filters.push("operation = ?");
      values.push(query.operation);
    }
    if (query.states) {
      filters.push(`state IN (${marks(query.states)})`);
      values.push(...query.states);
    }
    const rows = this.connection.all(
      `SELECT * FROM jobs WHERE ${filters.join(" AND ")} ORDER BY seq DESC LIMIT ?`,
      [...values, query.limit + 1],
    );
    const page = rows.slice(0, query.limit);
    const last = sequenceRow.safeParse(page.at(-1)).data;
    return {
      jobs: page.map(readRow),
      nextCursor: rows.length > query.limit && last ? `before-${last.seq}` : undefined,
    };
  }

  async patch(jobId: string, patch: JobPatch, now: number): Promise<Job> {
    const job = this.#update(jobId, { ...patch, updatedAt: now }, {});
    if (!job) throw new AppError("not_found", `There is no job ${jobId}.`);
    return job;
  }

  async transition(
    jobId: string,
    from: JobState,
    to: JobState,
    patch: JobPatch,
    now: number,
    holder?: string,
  ): Promise<Job | undefined> {
    if (!canBecome(from, to)) {
      throw new AppError("internal", `A job cannot go from ${from} to ${to}.`);
    }
    // An ended job is nobody's, so that one that goes on after all is free to be taken up.
    const lease = isFinal(to) ? { lease_holder: null } : holder ? { lease_holder: holder } : {};
    // What goes on after all is no longer as somebody settled it.
    const reopened = from === "unknown" ? { settled_at: null, cost_usd: null } : {};
    const more = { ...lease, ...reopened };
    return this.#update(jobId, { ...patch, state: to, updatedAt: now }, more, from);
  }

  async settle(
    owner: string,
    jobId: string,
    charge: "spent" | "none",
    now: number,
  ): Promise<Job | undefined> {
    // Looked at and changed in one transaction: the job may be given its request id meanwhile.
    return this.connection.transaction(() => {
      const job = this.#one(
        `SELECT * FROM jobs WHERE job_id = ? AND owner = ?
         AND (charge = 'uncertain' OR settled_at IS NOT NULL)`,
        [jobId, owner],
      );
      if (!job) return undefined;
      const costUsd = charge === "spent" ? job.reservedUsd : null;
      return this.#update(jobId, { charge, costUsd, updatedAt: now }, { settled_at: now });
    });
  }

  async beat(holder: string, isWatching = false): Promise<string[]> {
    const held = this.connection
      .all(`SELECT job_id FROM jobs WHERE lease_holder = ? AND ${UNFINISHED}`, [holder])
      .map((row) => jobIdRow.parse(row).job_id);
    if (held.length > 0 || isWatching) {
      this.connection.run(
        `INSERT INTO holders (holder, beat) VALUES (?, 1)
         ON CONFLICT (holder) DO UPDATE SET beat = beat + 1`,
        [holder],
      );
    }
    return held;
  }

  async otherHolders(
    holder: string,
    baseUrl: string | undefined,
    operations: readonly string[] = [],
  ): Promise<Holder[]> {
    const rows = this.connection.all(
      `SELECT DISTINCT lease_holder AS holder, coalesce(beat, 0) AS beat
       FROM jobs LEFT JOIN holders ON holder = lease_holder
       WHERE ${UNFINISHED} AND lease_holder <> ? AND ${OURS}`,
      [holder, baseUrl ?? null, JSON.stringify(operations)],
    );
    return rows.map((row) => holderRow.parse(row));
  }

  async takeOver(
    holder: string,
    gone: readonly string[],
    baseUrl: string | undefined,
    operations: readonly string[] = [],
  ): Promise<Job[]> {
    const free = `${UNFINISHED} AND ${OURS}
      AND (lease_holder IS NULL OR lease_holder IN (SELECT value FROM json_each(?)))`;
    const chosen = `SELECT job_id FROM jobs WHERE ${free} LIMIT ${TAKEN_AT_ONCE}`;
    const values = [baseUrl ?? null, JSON.stringify(operations), JSON.stringify(gone)];
    if (this.connection.all(chosen, values).length === 0) {
      for (const one of gone) this.connection.run("DELETE FROM holders WHERE holder = ?", [one]);
      return [];
    }
    return this.connection
      .all(
        `UPDATE jobs SET lease_holder = ?, orphaned = 1
       WHERE job_id IN (${chosen}) AND ${free} RETURNING *`,
        [holder, ...values, ...values],
      )
      .map(readRow);
  }

  async release(holder: string): Promise<void> {
    this.connection.run(
      `UPDATE jobs SET lease_holder = NULL WHERE lease_holder = ? AND ${UNFINISHED}`,
      [holder],
    );
    this.connection.run("DELETE FROM holders WHERE holder = ?", [holder]);
  }

  async changes(): Promise<Job[]> {
    const version = this.#number("SELECT data_version AS n FROM pragma_data_version", []);
    if (version === this.#seenVersion) {
      // Nobody else has written, so everything up to here is our own.
      this.#seenRevision = Math.max(this.#seenRevision, ...this.#own);
      this.#own.clear();
      return [];
    }
    this.#seenVersion = version;
    const rows = this.connection.all("SELECT * FROM jobs WHERE revision > ? ORDER BY revision", [
      this.#seenRevision,
    ]);
    const foreign = rows.filter((row) => {
      const revision = revisionOf(row);
      this.#seenRevision = Math.max(this.#seenRevision, revision);
      return !this.#own.has(revision);
    });
    this.#own.clear();
    return foreign.map(readRow);
  }

  async news(owner: string): Promise<Job[]> {
    return this.connection.all(`SELECT * FROM jobs WHERE ${NEWS}`, [owner]).map(readRow);
  }

  async noteMentioned(jobIds: readonly string[], now: number): Promise<void> {
    // A mention is no delivery: a client that lost the result must not buy it again.
    this.connection.run(
      `UPDATE jobs SET mentioned_at = ? WHERE job_id IN (SELECT value FROM json_each(?))`,
      [now, JSON.stringify(jobIds)],
    );
  }

  async spending(owner: string, now: number): Promise<SpendingReport> {
    const { day, month } = periodStarts(now);
    const since = (start: number): Sums =>
      sumsSchema.parse(
        this.connection.all(
          `SELECT ${SUMS} FROM jobs WHERE owner = ? AND created_at >= ? AND ${CHARGED}`,
          [owner, start],
        )[0],
      );
    return {
      total: since(0),
      today: since(day),
      thisMonth: since(month),
      byDay: this.connection
        .all(
          `SELECT date(created_at / 1000, 'unixepoch') AS day, ${SUMS} FROM jobs
         WHERE owner = ? AND ${CHARGED} GROUP BY day ORDER BY day DESC LIMIT ?`,
          [owner, MAX_DAYS],
        )
        .map((row) => sumsSchema.extend({ day: z.string() }).parse(row)),
      byOperation: this.connection
        .all(
          `SELECT operation, ${SUMS} FROM jobs
         WHERE owner = ? AND ${CHARGED} GROUP BY operation ORDER BY operation`,
          [owner],
        )
        .map((row) => sumsSchema.extend({ operation: z.string() }).parse(row)),
    };
  }

  async forget(keepDays: number, now: number): Promise<number> {
    return this.connection.transaction(() => {
      const old = Math.min(now, this.#surelyPast()) - keepDays * DAY_MS;
      const before = Math.min(old, periodStarts(now).month);
      return this.connection.all(
        `DELETE FROM jobs WHERE NOT (${UNFINISHED}) AND charge NOT IN ('reserved', 'uncertain')
         AND max(created_at, updated_at) < ? RETURNING seq`,
        [before],
      ).length;
    });
  }

  async close(): Promise<void> {
    this.connection.close();
  }

  #twinOf(job: Job, rules: AdmissionRules): Job | undefined {
    if (job.idempotencyKey !== null) {
      const keyed = this.#one("SELECT * FROM jobs WHERE owner = ? AND idempotency_key = ?", [
        job.owner,
        job.idempotencyKey,
      ]);
      if (!keyed) return undefined;
      if (keyed.fingerprint === job.fingerprint && !rules.forceNew) return keyed;
      throw new AppError(
        "invalid_input",
        rules.forceNew
          ? `\`idempotency_key\` already stands for ${keyed.jobId}, and \`force_new\` asks for another.`
          : `\`idempotency_key\` already stands for ${keyed.jobId}, which has other arguments.`,
        { next: "Use another `idempotency_key` for another job; nothing was sent." },
      );
    }
    if (rules.forceNew) return undefined;
    return this.connection
      .all(
        "SELECT * FROM jobs WHERE fingerprint = ? AND owner = ? AND base_url = ? ORDER BY seq DESC",
        [job.fingerprint, job.owner, job.baseUrl],
      )
      .map(readRow)
      .find((earlier) => standsForRepeat(earlier, rules.now));
  }

  /** Everything that was or may still be charged since a time. */
  #committed(job: Job, since: number): number {
    return exactUsd(
      this.#number(
        `SELECT total(coalesce(cost_usd, reserved_usd)) AS n FROM jobs
         WHERE owner = ? AND created_at >= ? AND ${CHARGED}`,
        [job.owner, since],
      ),
    );
  }

  /**
   * A time that has come even if the clock is ahead today: that of the newest job but those of the
   * newest day.
   */
  #surelyPast(): number {
    return this.#number(
      `SELECT coalesce(max(created_at), 0) AS n FROM jobs
       WHERE created_at <= (SELECT max(created_at) FROM jobs) - ${DAY_MS}`,
      [],
    );
  }

  #insert(job: Job, holder: string): void {
    const columns = { ...columnsOf(job), lease_holder: holder };
    const names = Object.keys(columns);
    const rows = this.connection.all(
      `INSERT INTO jobs (${names.join(", ")}, revision)
       VALUES (${marks(names)}, ${NEXT_REVISION}) RETURNING revision`,
      Object.values(columns),
    );
    this.#own.add(revisionOf(rows[0]));
  }

  #update(
    jobId: string,
    change: Partial<Job>,
    more: Record<string, Column>,
    from?: JobState,
  ): Job | undefined {
    const columns = { ...columnsOf(change), ...more };
    const settings = Object.keys(columns).map((name) => `${name} = ?`);
    const row = this.connection.all(
      `UPDATE jobs SET ${settings.join(", ")}, revision = ${NEXT_REVISION}
       WHERE job_id = ? AND state = coalesce(?, state) RETURNING *`,
      [...Object.values(columns), jobId, from ?? null],
    )[0];
    if (row === undefined) return undefined;
    this.#own.add(revisionOf(row));
    return readRow(row);
  }

  #number(sql: string, values: readonly Column[]): number {
    return numberRow.parse(this.connection.all(sql, values)[0]).n;
  }

  #one(sql: string, values: readonly Column[]): Job | undefined {
    const row = this.connection.all(sql, values)[0];
    return row === undefined ? undefined : readRow(row);
  }
}

function marks(values: readonly unknown[]): string {
  return values.map(() => "?").join(", ");
}

function revisionOf(row: unknown): number {
  return revisionRow.parse(row).revision;
}

function readCursor(cursor: string): number {
  const seq = /^before-(\d{1,15})$/.exec(cursor)?.[1];
  if (seq === undefined) {
    throw new AppError("invalid_input", "`cursor` must be the `next_cursor` of a previous page.");
  }
  return Number(seq);
}
