import type { Column } from "../rows/job-rows.ts";

type Value = Column | Uint8Array;

/** NUL, and halves of pairs. */
const UNKNOWN_CHARACTERS = /[\0\p{Cs}]/gu;

/**
 * What statements are made on: a connection of its own each, or all of one transaction. The texts
 * have a `?` for each value, as those of the embedded store have. Every method throws {storage}
 * when the database cannot be used.
 */
export interface Statements {
  all(sql: string, values: readonly Value[]): Promise<unknown[]>;
  run(sql: string, values: readonly Value[]): Promise<void>;
  /**
   * Within a transaction: waits until nobody else has this name, and has it until the end of the
   * transaction. Names are of a schema, so that two installations in one database do not wait.
   */
  lock(...names: readonly string[]): Promise<void>;
}

/**
 * What the stores of this folder work on. Statements of one transaction are done in the order in
 * which they are asked, also those that nobody has waited for in between.
 */
export interface PostgresDatabase extends Statements {
  /** All or nothing, durable when its promise resolves. */
  transaction<T>(work: (within: Statements) => Promise<T>): Promise<T>;
  /**
   * As `transaction`, for work that also does something outside of the database, which may take as
   * long as it takes.
   */
  holding<T>(lock: string, work: (within: Statements) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** As SQL: what every change of a job notes, so that other processes hear of it. */
export const STAMPED = "revision = nextval('revisions'), xact = pg_current_xact_id()";

/** As SQL: a list of texts that is given as JSON. */
export const LISTED = "(SELECT jsonb_array_elements_text(CAST(CAST(? AS text) AS jsonb)))";

/** As JSON that the database can look into: it knows no NUL and no half characters. */
export function storedJson(value: object): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    typeof one === "string" ? storedText(one) : one,
  );
}

/** A text as the database can have it. */
export function storedText(text: string): string {
  return text.replaceAll(UNKNOWN_CHARACTERS, "\u{FFFD}");
}
