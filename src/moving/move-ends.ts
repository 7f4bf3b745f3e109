import type { MovedTable } from "./moved-tables.ts";

/** A row as a database gives and takes it, by column. */
export type MovedRow = Readonly<Record<string, string | number | null | Uint8Array>>;

/**
 * What of the rows: those of jobs that somebody would follow, or look for, where they are, and all
 * others. So nobody begins to follow anything before everything is there.
 */
export type Part = "settled" | "under way";

/** A row, and its place in the order in which its table is read. */
export interface PlacedRow {
  at: number;
  row: MovedRow;
  /** What is no column, but belongs to it: words that files are named by, names of files. */
  beside?: string | undefined;
}

/** The record that is moved; nothing of it changes meanwhile. */
export interface MoveSource {
  /** Of all records only this one's: what it is known by where it goes. */
  readonly id: string;
  /** What its digests are made with. */
  readonly secret: Uint8Array;
  count(table: MovedTable, part: Part): number;
  /** The next rows after a place, until they are many or large. */
  rows(table: MovedTable, part: Part, after: number): PlacedRow[];
  /** The highest number that a table has given. */
  highest(table: "jobs" | "chat_turns" | "audit_log"): number;
  owners(): string[];
  /** Questions that were answered, so that no answer counts twice. */
  answered(): { question: string; ends_at: number }[];
  /** The ids of users who can still call, by name. */
  users(): { name: string; userId: string }[];
  /** Since when the service asks for tokens, because there have been users. */
  closedAt(): number | undefined;
  /** Jobs that keep an identical call from buying again: the end of that, or for ever. */
  protecting(now: number): { jobs: number; untilMs: number | undefined };
  /** Unfinished jobs for which this machine serves files. */
  needHosting(): number;
  close(): void;
}

export type MoveState = "copying" | "done" | "leaving" | "undone";

/** How far a move is, as its target has it. */
export interface Move {
  state: MoveState;
  /** Whose the jobs became that were nobody's in particular. */
  localOwner: string;
  /** Whether files were copied as well. */
  hasFiles: boolean;
  endedAt: number | null;
  /** What is added to numbers of a table. */
  bases: Readonly<Record<"jobs" | "chat_turns" | "audit_log", number>>;
  tables: ReadonlyMap<string, TableProgress>;
}

export interface TableProgress {
  /** The place of the last row that is there. */
  upTo: number;
  rows: number;
  /** Of all rows that are there, as they were read back from the target. */
  digest: string;
}

/** Who has what at a target already. */
export interface Standing {
  /** Whether there have been users. */
  hadUsers: boolean;
  users: readonly { name: string; userId: string }[];
  /** Whether it has jobs, or digests that were made with its own secret. */
  hasDigests: boolean;
  /** Whether other processes are connected. */
  isInUse: boolean;
}

/** Where a record goes. Every method throws {storage} when it cannot be used. */
export interface MoveTarget {
  /** For a person, without user and password. */
  readonly shown: string;
  standing(): Promise<Standing>;
  move(id: string): Promise<Move | undefined>;
  /** Notes that a move begins, or begins again after it was undone. */
  begin(
    source: MoveSource,
    how: { localOwner: string; hasFiles: boolean; takesSecret: boolean },
  ): Promise<Move>;
  /**
   * Adds rows, and notes that they are there: both or neither.
   * @param progress as it was before; whoever is not at it any more adds nothing.
   * @throws {storage} also where what is read back is something else
   */
  put(
    id: string,
    table: MovedTable,
    rows: readonly PlacedRow[],
    progress: TableProgress,
  ): Promise<TableProgress>;
  /** Adds everything that is under way and notes that the move is done: all or nothing. */
  finish(
    id: string,
    rows: readonly (readonly [MovedTable, readonly PlacedRow[]])[],
    now: number,
  ): Promise<void>;
  /** How many of these keys a table has. */
  countOf(table: MovedTable, keys: readonly string[]): Promise<number>;
  /** Whether anything has become of these jobs since they came, or of others of their owners. */
  hasFollowed(id: string, jobIds: readonly string[], owners: readonly string[]): Promise<boolean>;
  /** Takes back what is under way, so that nobody follows it, and notes that the rest will go. */
  beginLeaving(id: string, jobIds: readonly string[], owners: readonly string[]): Promise<boolean>;
  /** The files of jobs. */
  filesOf(jobIds: readonly string[]): Promise<{ owner: string; ref: string }[]>;
  remove(table: MovedTable, keys: readonly string[]): Promise<void>;
  noteUndone(id: string): Promise<void>;
  close(): Promise<void>;
}
