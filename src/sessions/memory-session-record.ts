import { type Room, whoGoes } from "./making-room.ts";
import {
  type Addressee,
  IDLE_MS,
  IN_USE_MS,
  KEPT_MS,
  type Letter,
  MOST_BYTES,
  MOST_EVENTS,
  MOST_LETTERS,
  MOST_SUBSCRIPTIONS,
  type SessionEvent,
  type SessionRecord,
  type SessionStart,
  type StoredSession,
} from "./session-record.ts";

interface Kept {
  start: SessionStart;
  hasListened: boolean;
  subscribed: Set<string>;
  usedAt: number;
  inUseUntil: number;
  events: { event: SessionEvent; at: number }[];
  letters: { letter: Letter; to: string; at: number }[];
}

/** Sessions of one process, which end with it. */
export class MemorySessionRecord implements SessionRecord {
  /** The one that was used last comes last. */
  readonly #sessions = new Map<string, Kept>();
  readonly #beats = new Map<string, { beat: number; at: number }>();

  async begin(start: SessionStart, room: Room, now: number): Promise<boolean> {
    this.#removeIdle(now);
    const own = [...this.#sessions.values()]
      .filter((one) => one.start.caller.owner === start.caller.owner)
      .map(({ start: { handle }, inUseUntil }) => ({ handle, inUseUntil }));
    const goes = whoGoes(own, room, now);
    if (goes === "full") return false;
    if (goes !== "none") this.#sessions.delete(goes.handle);
    this.#sessions.set(start.handle, {
      ...{ start, hasListened: false, subscribed: new Set(), usedAt: now, inUseUntil: 0 },
      ...{ events: [], letters: [] },
    });
    return true;
  }

  async find(handle: string, now: number): Promise<StoredSession | undefined> {
    this.#removeIdle(now);
    const kept = this.#sessions.get(handle);
    if (!kept) return undefined;
    kept.usedAt = now;
    this.#sessions.delete(handle);
    this.#sessions.set(handle, kept);
    return storedOf(kept);
  }

  async keep(handles: readonly string[], now: number): Promise<StoredSession[]> {
    this.#removeIdle(now);
    return handles.flatMap((handle) => {
      const kept = this.#sessions.get(handle);
      if (!kept) return [];
      kept.usedAt = now;
      kept.inUseUntil = now + IN_USE_MS;
      return [storedOf(kept)];
    });
  }

  async listens(handle: string): Promise<void> {
    const kept = this.#sessions.get(handle);
    if (kept) kept.hasListened = true;
  }

  async subscribe(handle: string, uri: string): Promise<boolean> {
    const subscribed = this.#sessions.get(handle)?.subscribed;
    if (!subscribed || subscribed.has(uri)) return true;
    if (subscribed.size >= MOST_SUBSCRIPTIONS) return false;
    subscribed.add(uri);
    return true;
  }

  async unsubscribe(handle: string, uri: string): Promise<void> {
    this.#sessions.get(handle)?.subscribed.delete(uri);
  }

  async end(handle: string): Promise<void> {
    this.#sessions.delete(handle);
  }

  async tell(event: SessionEvent, now: number): Promise<void> {
    const events = this.#sessions.get(event.handle)?.events;
    if (!events) return;
    events.push({ event, at: now });
    let bytes = events.reduce((sum, one) => sum + one.event.sealed.length, 0);
    while (events.length > MOST_EVENTS || bytes > MOST_BYTES) {
      bytes -= events.shift()?.event.sealed.length ?? 0;
    }
  }

  async toldAfter(handle: string, stream: string, number: number): Promise<SessionEvent[]> {
    const events = this.#sessions.get(handle)?.events ?? [];
    return events
      .map(({ event }) => event)
      .filter((event) => event.stream === stream && event.number > number);
  }

  async hand(letter: Letter, addressee: Addressee, now: number): Promise<void> {
    const letters = this.#sessions.get(letter.handle)?.letters ?? [];
    const writers =
      "to" in addressee
        ? [addressee.to]
        : [...this.#beats.keys()].filter((writer) => writer !== addressee.allBut);
    for (const to of writers) {
      if (letters.length < MOST_LETTERS) letters.push({ letter, to, at: now });
    }
  }

  async collect(writer: string, now: number): Promise<Letter[]> {
    this.#beats.set(writer, { beat: (this.#beats.get(writer)?.beat ?? 0) + 1, at: now });
    const taken: Letter[] = [];
    for (const kept of this.#sessions.values()) {
      taken.push(...kept.letters.filter(({ to }) => to === writer).map(({ letter }) => letter));
      kept.letters = kept.letters.filter(({ to }) => to !== writer);
    }
    return taken;
  }

  async beatOf(writer: string): Promise<number | undefined> {
    return this.#beats.get(writer)?.beat;
  }

  async sweep(now: number): Promise<void> {
    this.#removeIdle(now);
    const isFresh = ({ at }: { at: number }) => at > now - KEPT_MS;
    for (const kept of this.#sessions.values()) {
      kept.events = kept.events.filter(isFresh);
      kept.letters = kept.letters.filter(isFresh);
    }
    for (const [writer, beat] of this.#beats) if (!isFresh(beat)) this.#beats.delete(writer);
  }

  #removeIdle(now: number): void {
    for (const [handle, { usedAt }] of this.#sessions) {
      if (usedAt <= now - IDLE_MS) this.#sessions.delete(handle);
    }
  }
}

function storedOf({ start, hasListened, subscribed }: Kept): StoredSession {
  return { ...start, hasListened, subscribed: [...subscribed] };
}
