import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { GIVEN_SCOPES } from "../../src/core/caller.ts";
import {
  IDLE_MS,
  IN_USE_MS,
  KEPT_MS,
  MOST_BYTES,
  MOST_EVENTS,
  MOST_LETTERS,
  MOST_SUBSCRIPTIONS,
  type SessionRecord,
  type SessionStart,
} from "../../src/sessions/session-record.ts";

const NOW = 1_795_176_000_000;
const ROOM = { most: 3, inUse: [] };
const ANN = { owner: "ann", scopes: new Set(GIVEN_SCOPES), isRemote: true };

const bytes = (text: string) => Buffer.from(text);
const texts = (all: readonly { sealed: Uint8Array }[]) =>
  all.map(({ sealed }) => Buffer.from(sealed).toString());

function start(owner = "ann"): SessionStart {
  const handle = randomBytes(16).toString("hex");
  return { handle, caller: { ...ANN, owner }, beginning: bytes("beginning") };
}

/**
 * Holds an implementation of `SessionRecord` to everything that sessions rely on.
 * @param open opens a record of its own; @returns it as two processes have it.
 */
export function describeSessionRecord(open: () => Promise<[SessionRecord, SessionRecord]>): void {
  let one: SessionRecord;
  let other: SessionRecord;
  beforeEach(async () => {
    [one, other] = await open();
  });

  async function begun(owner?: string, now = NOW): Promise<string> {
    const starting = start(owner);
    expect(await one.begin(starting, ROOM, now)).toBe(true);
    return starting.handle;
  }
  const isThere = async (handle: string, now = NOW) =>
    (await other.find(handle, now)) !== undefined;

  describe("a session", () => {
    it("is found at every process as it was begun, until it is ended at any", async () => {
      const starting = start();
      await one.begin(starting, ROOM, NOW);
      const found = await other.find(starting.handle, NOW);
      expect(found).toMatchObject({ handle: starting.handle, hasListened: false, subscribed: [] });
      expect(found?.caller).toEqual(ANN);
      expect(Buffer.from(found?.beginning ?? []).toString()).toBe("beginning");
      expect(await other.find("no such handle", NOW)).toBeUndefined();
      await other.end(starting.handle);
      expect(await one.find(starting.handle, NOW)).toBeUndefined();
      await one.end(starting.handle);
    });

    it("is over when it was not used for long, and not before", async () => {
      const handle = await begun();
      expect(await isThere(handle, NOW + IDLE_MS - 1)).toBe(true);
      expect(await isThere(handle, NOW + 2 * IDLE_MS - 2)).toBe(true);
      expect(await isThere(handle, NOW + 3 * IDLE_MS)).toBe(false);
      expect(await one.keep([handle], NOW + 3 * IDLE_MS)).toEqual([]);
    });

    it("is kept by a process that has something of it open", async () => {
      const [open, left] = [await begun(), await begun()];
      for (let at = NOW; at < NOW + 2 * IDLE_MS; at += IDLE_MS / 3) await one.keep([open], at);
      const late = NOW + 2 * IDLE_MS;
      expect([await isThere(open, late), await isThere(left, late)]).toEqual([true, false]);
      const kept = await one.keep([open, left, "nowhere"], late);
      expect(kept.map(({ handle }) => handle)).toEqual([open]);
    });

    it("remembers whether its client has listened, and what it wants to hear of", async () => {
      const handle = await begun();
      await one.listens(handle);
      expect(await one.subscribe(handle, "longcat://jobs/a")).toBe(true);
      expect(await other.subscribe(handle, "longcat://jobs/b")).toBe(true);
      expect(await other.subscribe(handle, "longcat://jobs/a")).toBe(true);
      await one.unsubscribe(handle, "longcat://jobs/b");
      const [kept] = await other.keep([handle], NOW);
      expect(kept).toMatchObject({ hasListened: true, subscribed: ["longcat://jobs/a"] });
      await one.unsubscribe("nowhere", "longcat://jobs/a");
    });

    it("has a bounded number of subscriptions", async () => {
      const handle = await begun();
      for (let n = 0; n < MOST_SUBSCRIPTIONS; n++) {
        expect(await one.subscribe(handle, `longcat://jobs/${n}`)).toBe(true);
      }
      expect(await one.subscribe(handle, "longcat://jobs/more")).toBe(false);
      expect(await one.subscribe(handle, "longcat://jobs/1")).toBe(true);
      const found = await other.find(handle, NOW);
      expect(found?.subscribed).toHaveLength(MOST_SUBSCRIPTIONS);
    });
  });

  describe("the sessions of one owner", () => {
    it("are as many as they may be: the one that was not used for longest makes room", async () => {
      const all = [await begun(), await begun(undefined, NOW + 1), await begun(undefined, NOW + 2)];
      const others = await begun("ben");
      const later = NOW + IDLE_MS / 2;
      await other.find(all[0] ?? "", later);
      all.push(await begun(undefined, later + 1));
      const there = await Promise.all([...all, others].map((handle) => isThere(handle, later + 2)));
      expect(there).toEqual([true, false, true, true, true]);
    });

    it("make room only where one is not in use, here or elsewhere", async () => {
      const all = [await begun(), await begun(), await begun()];
      const [first = "", ...rest] = all;
      await other.keep([first], NOW);
      expect(await one.begin(start(), { most: 3, inUse: rest }, NOW + 1)).toBe(false);
      expect(await Promise.all(all.map((handle) => isThere(handle)))).toEqual([true, true, true]);
      const later = NOW + IN_USE_MS + 1;
      expect(await one.begin(start(), { most: 3, inUse: rest }, later)).toBe(true);
      expect(await isThere(first, later)).toBe(false);
    });

    it("are counted without those that are over", async () => {
      await begun();
      await begun();
      await begun();
      expect(await one.begin(start(), { most: 1, inUse: [] }, NOW + IDLE_MS)).toBe(true);
    });

    it("stay within their number however many begin at once", async () => {
      const starts = Array.from({ length: 12 }, () => start());
      await Promise.all(
        starts.map((starting, n) => (n % 2 ? one : other).begin(starting, ROOM, NOW)),
      );
      const there = await Promise.all(starts.map(({ handle }) => isThere(handle)));
      expect(there.filter((is) => is)).toHaveLength(3);
    });
  });

  describe("what a client was told", () => {
    const tell = (handle: string, stream: string, number: number, text: string | Buffer) =>
      one.tell({ handle, stream, number, sealed: Buffer.from(text) }, NOW);

    it("is told again from where it was heard, of its stream alone and in order", async () => {
      const [handle, others] = [await begun(), await begun()];
      await tell(handle, "a", 1, "one");
      await tell(handle, "b", 1, "of another stream");
      await tell(others, "a", 2, "of another session");
      await tell(handle, "a", 2, "two");
      await tell(handle, "a", 3, "three");
      expect(texts(await other.toldAfter(handle, "a", 0))).toEqual(["one", "two", "three"]);
      const after = await other.toldAfter(handle, "a", 1);
      expect(after.map(({ number }) => number)).toEqual([2, 3]);
      expect(await other.toldAfter(handle, "a", 3)).toEqual([]);
      expect(await other.toldAfter("nowhere", "a", 0)).toEqual([]);
    });

    it("goes with the session, and is kept for none that is not there", async () => {
      const handle = await begun();
      await tell(handle, "a", 1, "one");
      await one.end(handle);
      await tell(handle, "a", 2, "two");
      expect(await other.toldAfter(handle, "a", 0)).toEqual([]);
    });

    it("is bounded by number: the oldest goes", async () => {
      const handle = await begun();
      for (let n = 1; n <= MOST_EVENTS + 10; n++) await tell(handle, "a", n, `${n}`);
      const kept = await other.toldAfter(handle, "a", 0);
      expect(kept).toHaveLength(MOST_EVENTS);
      expect(kept[0]?.number).toBe(11);
    });

    it("is bounded by length: the oldest goes", async () => {
      const handle = await begun();
      const large = randomBytes(MOST_BYTES / 4);
      for (let n = 1; n <= 6; n++) await tell(handle, "a", n, large);
      const kept = await other.toldAfter(handle, "a", 0);
      expect(kept.map(({ number }) => number)).toEqual([3, 4, 5, 6]);
    });

    it("is swept when it is old, and what is over is swept with all that is kept of it", async () => {
      const handle = await begun();
      await tell(handle, "a", 1, "one");
      await other.sweep(NOW + KEPT_MS - 1);
      expect(await one.toldAfter(handle, "a", 0)).toHaveLength(1);
      await other.sweep(NOW + KEPT_MS);
      expect(await one.toldAfter(handle, "a", 0)).toEqual([]);
      expect(await isThere(handle)).toBe(true);
      await other.sweep(NOW + IDLE_MS);
      expect(await isThere(handle)).toBe(false);
    });
  });

  describe("what is left for another process", () => {
    const letter = (handle: string, text: string) => ({ handle, sealed: bytes(text) });

    it("is taken once, by the one that it is for", async () => {
      const handle = await begun();
      await one.hand(letter(handle, "yes"), { to: "b" }, NOW);
      expect(await other.collect("a", NOW)).toEqual([]);
      const taken = await other.collect("b", NOW);
      expect(taken.map((each) => each.handle)).toEqual([handle]);
      expect(texts(taken)).toEqual(["yes"]);
      expect(await other.collect("b", NOW)).toEqual([]);
    });

    it("may be for all that have shown that they are at work, but one", async () => {
      const handle = await begun();
      for (const writer of ["a", "b", "c"]) await one.collect(writer, NOW);
      await one.hand(letter(handle, "stop"), { allBut: "a" }, NOW);
      const taken = await Promise.all(["a", "b", "c"].map((writer) => other.collect(writer, NOW)));
      expect(taken.map(texts)).toEqual([[], ["stop"], ["stop"]]);
    });

    it("is bounded, old after a while, and nothing without its session", async () => {
      const handle = await begun();
      for (let n = 0; n < MOST_LETTERS + 5; n++) {
        await one.hand(letter(handle, `${n}`), { to: "a" }, NOW);
      }
      expect(await other.collect("a", NOW)).toHaveLength(MOST_LETTERS);
      await one.hand(letter(handle, "old"), { to: "a" }, NOW);
      await one.sweep(NOW + KEPT_MS);
      await one.hand(letter("nowhere", "lost"), { to: "a" }, NOW);
      expect(await other.collect("a", NOW)).toEqual([]);
    });

    it("shows that a process is at work, as long as it takes what is for it", async () => {
      expect(await other.beatOf("a")).toBeUndefined();
      await one.collect("a", NOW);
      const first = await other.beatOf("a");
      expect(first).toBeDefined();
      await one.collect("a", NOW);
      expect(await other.beatOf("a")).not.toBe(first);
      expect(await other.beatOf("b")).toBeUndefined();
      await other.sweep(NOW + KEPT_MS);
      expect(await other.beatOf("a")).toBeUndefined();
    });
  });
}
