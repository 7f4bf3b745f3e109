import type { Caller } from "../core/caller.ts";
import { MINUTE_MS } from "../core/clock.ts";
import type { Room } from "./making-room.ts";

/** Longer than a person thinks about a question, or a host sleeps between two. */
export const IDLE_MS = 30 * MINUTE_MS;
/** Long enough to come back in, once a connection has broken off. */
export const KEPT_MS = 5 * MINUTE_MS;
/** Whoever has something of a session open says so more often than that. */
export const IN_USE_MS = 60_000;

/** Of one session, so that nobody fills the record: what is older goes, what is larger is not kept. */
export const MOST_EVENTS = 256;
export const MOST_BYTES = 4 * 1024 * 1024;
export const MOST_EVENT_BYTES = 2 * 1024 * 1024;
export const MOST_SUBSCRIPTIONS = 256;
export const MOST_LETTERS = 64;
export const MOST_LETTER_BYTES = 64 * 1024;
export const MOST_BEGINNING_BYTES = 16 * 1024;

/** What a session is begun with. */
export interface SessionStart {
  /** What it is found by: its id is told to nobody but its client. */
  handle: string;
  caller: Caller;
  /** What its client said of itself, sealed. */
  beginning: Uint8Array;
}

export interface StoredSession extends SessionStart {
  /** Whether its client has ever listened to news. */
  hasListened: boolean;
  /** Addresses of what the client wants to hear of. */
  subscribed: readonly string[];
}

/** Something that a client was told on one of its streams, sealed. */
export interface SessionEvent {
  handle: string;
  stream: string;
  /** Grows along a stream, of which one process writes all. */
  number: number;
  sealed: Uint8Array;
}

/** What a client has sent to one process and is for another, sealed. */
export interface Letter {
  handle: string;
  sealed: Uint8Array;
}

/** Who gets a letter: one process, or all that are at work but one. */
export type Addressee = { to: string } | { allBut: string };

/**
 * What sessions of the 2025 era need to go on at another process: the same for all that share it. What
 * clients say and are told is sealed with what they alone know, so that nothing of it can be read here.
 * All times are milliseconds since the epoch. All methods throw {storage} when the record cannot be used.
 */
export interface SessionRecord {
  /**
   * Records a session. Where its owner has `most` already, the one goes that was not used for longest
   * and is not in use; `inUse` are those of which the caller knows that they are.
   * @returns `false`, and records nothing, where all are in use.
   */
  begin(start: SessionStart, room: Room, now: number): Promise<boolean>;
  /** Finds a session that is not over, and notes that it was used. */
  find(handle: string, now: number): Promise<StoredSession | undefined>;
  /** Notes that sessions are in use. @returns those that are not over. */
  keep(handles: readonly string[], now: number): Promise<StoredSession[]>;
  /** Notes that a session's client listens to news. */
  listens(handle: string): Promise<void>;
  /** @returns whether there was room for it. */
  subscribe(handle: string, uri: string): Promise<boolean>;
  unsubscribe(handle: string, uri: string): Promise<void>;
  /** Ends a session, with all that is kept of it. */
  end(handle: string): Promise<void>;
  /** Keeps what a client was told, as long as its session is there. */
  tell(event: SessionEvent, now: number): Promise<void>;
  /** What a client was told on a stream after something, in order. */
  toldAfter(handle: string, stream: string, number: number): Promise<SessionEvent[]>;
  /** Leaves something for other processes, as long as its session is there. */
  hand(letter: Letter, addressee: Addressee, now: number): Promise<void>;
  /** Shows that a process is at work, and takes what was left for it. */
  collect(writer: string, now: number): Promise<Letter[]>;
  /** Differs from before whenever a process has shown that it is at work; absent for none. */
  beatOf(writer: string): Promise<number | undefined>;
  /** Removes what is over or too old. */
  sweep(now: number): Promise<void>;
}
