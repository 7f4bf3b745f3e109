import { randomBytes } from "node:crypto";
import { connect, type PostgresConnection, type PostgresOptions } from "./postgres-connection.ts";

/** Some changes come together: they are told of together. */
const GATHER_MS = 50;
/** Of one job it is told so often at most. */
const APART_MS = 1_000;
const LISTEN_AGAIN_MS = 1_000;
/** A notice has 8,000 bytes at most, and an id some thirty. */
const IDS_AT_ONCE = 200;

/**
 * Tells other processes that something has changed, and hears of theirs: ids of jobs and nothing
 * else, gathered, since commits that notify wait for each other on the server. All of it is a hint.
 * What is missed, because the connection was away, is found by looking.
 */
export class ChangeNotices {
  readonly #db: Pick<PostgresConnection, "all">;
  readonly #options: PostgresOptions;
  readonly #channel: string;
  /** Ours, to be told from others'. */
  readonly #sender = randomBytes(6).toString("hex");
  readonly #listeners = new Set<() => void>();
  /** When it is to be told of a job, and when it was. */
  readonly #due = new Map<string, number>();
  readonly #told = new Map<string, number>();
  #callOff: (() => void) | undefined;
  #callOffAgain: (() => void) | undefined;
  #end = async () => {};
  #isClosed = false;

  constructor(db: Pick<PostgresConnection, "all">, options: PostgresOptions) {
    this.#db = db;
    this.#options = options;
    this.#channel = `${options.schema}_changes`;
  }

  /**
   * Hears when others may have changed something. The first to do so opens a connection for it, but
   * behind a pooler: it gives each transaction another one, on which nobody could listen.
   * @returns what ends that.
   */
  subscribe(listener: () => void): () => void {
    if (this.#listeners.size === 0 && this.#options.prepares) void this.#listen();
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Notes a job that was changed here. */
  changed(jobId: string): void {
    if (this.#isClosed || this.#due.has(jobId)) return;
    const now = this.#options.clock.elapsed();
    const told = this.#told.get(jobId);
    this.#due.set(jobId, Math.max(now + GATHER_MS, told === undefined ? 0 : told + APART_MS));
    this.#tellLater();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#callOff?.();
    this.#callOffAgain?.();
    await this.#end();
  }

  /** Listens on a connection of its own until it is closed; one that breaks is made again. */
  async #listen(): Promise<void> {
    if (this.#isClosed) return;
    let isOver = false;
    const over = () => {
      if (isOver) return;
      isOver = true;
      void end();
      if (this.#isClosed) return;
      this.#callOffAgain = this.#options.clock.schedule(LISTEN_AGAIN_MS, () => void this.#listen());
    };
    const sql = connect(this.#options, {
      ...{ max: 1, idle_timeout: 0, max_lifetime: null, onclose: over },
      onnotify: (_channel: string, payload: string) => this.#heard(payload),
    });
    const end = () => sql.end({ timeout: 0 }).catch(() => undefined);
    this.#end = async () => {
      isOver = true;
      await end();
    };
    try {
      await sql.unsafe(`LISTEN "${this.#channel}"`);
      // What was told of while nobody listened.
      this.#hint();
    } catch {
      over();
    }
  }

  #heard(payload: string): void {
    if (!payload.startsWith(`${this.#sender} `)) this.#hint();
  }

  #hint(): void {
    for (const listener of this.#listeners) listener();
  }

  #tellLater(): void {
    if (this.#isClosed) return;
    this.#callOff ??= this.#options.clock.schedule(GATHER_MS, () => {
      this.#callOff = undefined;
      void this.#tell();
    });
  }

  async #tell(): Promise<void> {
    const now = this.#options.clock.elapsed();
    for (const [jobId, at] of this.#told) if (now - at >= APART_MS) this.#told.delete(jobId);
    const jobIds = [...this.#due].filter(([, at]) => at <= now).map(([jobId]) => jobId);
    for (const jobId of jobIds) {
      this.#due.delete(jobId);
      this.#told.set(jobId, now);
    }
    if (this.#due.size > 0) this.#tellLater();
    for (let from = 0; from < jobIds.length; from += IDS_AT_ONCE) {
      const some = jobIds.slice(from, from + IDS_AT_ONCE).join(" ");
      await this.#db
        .all("SELECT pg_notify(?, ?)", [this.#channel, `${this.#sender} ${some}`])
        .catch(() => undefined);
    }
  }
}
