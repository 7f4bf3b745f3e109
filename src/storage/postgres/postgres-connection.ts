import postgres from "postgres";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { PostgresDatabase, Statements } from "./database.ts";
import { storedText } from "./database.ts";
import type { DatabaseAddress } from "./database-address.ts";
import {
  AnswerLost,
  databaseFailure,
  isAnswerLost,
  isWorthAnotherTry,
  reasonOf,
  sqlStateOf,
} from "./database-failures.ts";

/** Whoever calls hears within ten seconds that the database does not answer. */
const DEADLINE_MS = 8_000;
/** What happens outside of the database while it is locked must be quick, but is no statement. */
const HOLDING_MS = 60_000;
const CONNECT_SECONDS = 5;
const MOST_CONNECTIONS = 10;
/** A connection that is not needed is given back to the server. */
const IDLE_SECONDS = 60;
/**
 * Of the time that a statement may take: a process that is frozen in the middle of a transaction has
 * its locks for no longer, so that whoever waits for one gets it, and not an error.
 */
const IDLE_SHARE = 0.6;
const TRIES = 4;

export interface PostgresOptions {
  address: DatabaseAddress;
  /** The tables of an installation lie in one of its own. */
  schema: string;
  /** Not behind a pooler that gives each transaction another connection. */
  prepares: boolean;
  clock: Clock;
  /** How long a statement may take, in milliseconds; eight seconds when absent. */
  deadlineMs?: number;
}

/** How far a transaction is. */
interface Stage {
  isCommitting: boolean;
  /** Its caller has been told that it failed. */
  isGivenUp: boolean;
}

/** What only looks. */
const READS = /^\s*(?:SELECT\b|WITH\b(?!.*\b(?:INSERT|UPDATE|DELETE)\b))/s;

type Sql = postgres.Sql<{ bigint: number }>;
type Values = Parameters<Statements["all"]>[1];

/** Connections to a server, for all stores of a process. */
export class PostgresConnection implements PostgresDatabase {
  readonly #options: PostgresOptions;
  #sql: Sql;
  #hasWorked = false;

  /** Connects at the first statement. */
  constructor(options: PostgresOptions) {
    this.#options = options;
    this.#sql = connect(options);
  }

  async all(sql: string, values: Values): Promise<unknown[]> {
    // Behind a pooler nothing is left of a connection but what its transaction has set.
    if (!this.#options.prepares) return this.transaction((within) => within.all(sql, values));
    try {
      return await this.#within(this.#deadlineMs, ask(this.#sql, sql, values, true));
    } catch (error) {
      throw this.#failure(error, !READS.test(sql));
    }
  }

  async run(sql: string, values: Values): Promise<void> {
    await this.all(sql, values);
  }

  async lock(): Promise<void> {
    throw new AppError("internal", "A lock outside of a transaction would be let go at once.");
  }

  transaction<T>(work: (within: Statements) => Promise<T>): Promise<T> {
    return this.#transaction(this.#deadlineMs, work);
  }

  holding<T>(lock: string, work: (within: Statements) => Promise<T>): Promise<T> {
    return this.#transaction(HOLDING_MS, async (within) => {
      await within.run(`SET LOCAL idle_in_transaction_session_timeout TO ${HOLDING_MS}`, []);
      await within.lock(lock);
      return work(within);
    });
  }

  /** What is set was right: from here on nothing of it is wrong for good. */
  isSetRight(): void {
    this.#hasWorked = true;
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 1 });
  }

  get #deadlineMs(): number {
    return this.#options.deadlineMs ?? DEADLINE_MS;
  }

  async #transaction<T>(deadlineMs: number, work: (within: Statements) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      const stage: Stage = { isCommitting: false, isGivenUp: false };
      try {
        return await this.#within(deadlineMs, this.#begin(work, stage), stage);
      } catch (error) {
        if (tries < TRIES && isWorthAnotherTry(error)) continue;
        throw this.#failure(error, stage.isCommitting);
      }
    }
  }

  async #begin<T>(work: (within: Statements) => Promise<T>, stage: Stage): Promise<T> {
    const { schema, prepares } = this.#options;
    const done: { result?: { value: T } } = {};
    await this.#sql.begin(async (transaction) => {
      const within = statementsOf(transaction, schema, prepares);
      if (!prepares) {
        const { statement_timeout, idle_in_transaction_session_timeout } = timesOf(this.#options);
        await transaction.unsafe(
          `SET LOCAL search_path TO "${schema}"; SET LOCAL statement_timeout TO ${statement_timeout};
           SET LOCAL idle_in_transaction_session_timeout TO ${idle_in_transaction_session_timeout}`,
        );
      }
      done.result = { value: await work(within) };
      // Whoever was told that it failed must not find it done.
      if (stage.isGivenUp) throw new AppError("storage", "The transaction was given up.");
      stage.isCommitting = true;
    });
    if (!done.result) throw new AppError("internal", "A transaction had no end.");
    return done.result.value;
  }

  /** A server that does not answer holds up nobody for longer, and gets new connections. */
  async #within<T>(ms: number, work: Promise<T>, stage?: Stage): Promise<T> {
    const { clock, address } = this.#options;
    const sql = this.#sql;
    let callOff = () => {};
    const late = new Promise<never>((_, reject) => {
      callOff = clock.schedule(ms, () => {
        if (stage) stage.isGivenUp = true;
        if (this.#sql === sql) {
          this.#sql = connect(this.#options);
          void sql.end({ timeout: 0 });
        }
        reject(new AnswerLost(address.shown, "it did not answer in time"));
      });
    });
    work.catch(() => undefined);
    return Promise.race([work, late]).finally(() => callOff());
  }

  #failure(error: unknown, mayBeDone: boolean): AppError {
    const { shown } = this.#options.address;
    const failure = () => databaseFailure(shown, error, this.#hasWorked);
    if (error instanceof AnswerLost) return mayBeDone ? error : failure();
    if (error instanceof AppError) return error;
    if (mayBeDone && isAnswerLost(error) && !wasNeverConnected(error)) {
      return new AnswerLost(shown, reasonOf(error), error);
    }
    return failure();
  }
}

function wasNeverConnected(error: unknown): boolean {
  if (sqlStateOf(error) === "57P03") return true;
  const first = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error) || !("code" in first)) return false;
  return [
    "ECONNREFUSED",
    "ENOTFOUND",
    "EAI_AGAIN",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "CONNECT_TIMEOUT",
  ].some((code) => code === first.code);
}

/** How long the server lets something take, in milliseconds. */
function timesOf({ deadlineMs = DEADLINE_MS }: Pick<PostgresOptions, "deadlineMs">) {
  return {
    statement_timeout: deadlineMs,
    lock_timeout: deadlineMs,
    idle_in_transaction_session_timeout: Math.round(deadlineMs * IDLE_SHARE),
  };
}

/** Connections that are made when they are needed. @param more what is to be otherwise. */
export function connect(options: PostgresOptions, more: object = {}): Sql {
  const { address, schema, prepares } = options;
  const { host, port, database, user, password, ssl, applicationName } = address;
  // A pooler takes no settings with the greeting but the name of the program.
  const session = { search_path: `"${schema}"`, ...timesOf(options) };
  return postgres({
    ...{ host, port, database, user, password, ssl },
    max: MOST_CONNECTIONS,
    prepare: prepares,
    fetch_types: false,
    connect_timeout: CONNECT_SECONDS,
    idle_timeout: IDLE_SECONDS,
    backoff: (tries) => Math.min(1, tries / 10),
    onnotice: () => {},
    connection: { application_name: applicationName, ...(prepares ? session : {}) },
    types: {
      // Counts, sizes and times: none of ours comes near 2^53.
      bigint: { to: 20, from: [20], parse: Number, serialize: String },
    },
    ...more,
  });
}

function statementsOf(
  sql: postgres.TransactionSql<{ bigint: number }>,
  schema: string,
  prepares: boolean,
): Statements {
  const all = (text: string, values: Values) => ask(sql, text, values, prepares);
  return {
    all,
    run: async (text, values) => void (await all(text, values)),
    async lock(...names) {
      // Always in the same order, so that two never wait for each other.
      const inOrder = [...new Set(names)].sort();
      const taken = inOrder.map((name) =>
        all("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", [`${schema} ${name}`]),
      );
      await Promise.all(taken);
    },
  };
}

/** Sent at once, so that statements of one connection are done in the order in which they are asked. */
async function ask(
  sql: postgres.ISql<{ bigint: number }>,
  text: string,
  values: Values,
  prepares: boolean,
): Promise<unknown[]> {
  const given = values.map((value) => (typeof value === "string" ? storedText(value) : value));
  return sql.unsafe(numbered(text), given, { prepare: prepares }).execute();
}

/** With `$1`, `$2`, … in place of the marks. */
function numbered(text: string): string {
  let count = 0;
  return text.replaceAll("?", () => `$${++count}`);
}
