import { AsyncLocalStorage } from "node:async_hooks";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import { randomToken } from "../../src/core/ids.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { MemorySessionRecord } from "../../src/sessions/memory-session-record.ts";
import { MOST_EVENT_BYTES } from "../../src/sessions/session-record.ts";
import { SessionSeal } from "../../src/sessions/session-seal.ts";
import { NEWS_STREAM, readEventId } from "../../src/transports/http/event-ids.ts";
import { SessionEvents } from "../../src/transports/http/session-events.ts";
import { FakeClock } from "../support/fake-clock.ts";

const note = (words: string): JSONRPCMessage => ({
  ...{ jsonrpc: "2.0", method: "note", params: { words } },
});
const call = (id: RequestId) => ({ jsonrpc: "2.0", id, method: "tools/call" });
const answer = (id: RequestId, text = "done"): JSONRPCMessage => ({
  ...{ jsonrpc: "2.0", id, result: { text } },
});
/** The library stores an empty message where a stream opens, though its types know none. */
const OPENING = JSON.parse("{}");

async function opened(tell?: MemorySessionRecord["tell"]) {
  const clock = new FakeClock();
  const record = new MemorySessionRecord();
  const seal = new SessionSeal(randomToken());
  const start = { handle: seal.handle, caller: LOCAL_CALLER, beginning: seal.seal({}) };
  await record.begin(start, { most: 1, inUse: [] }, clock.now());
  if (tell) record.tell = tell;
  const errors: Error[] = [];
  const events = new SessionEvents({
    ...{ writer: "me", seal, clock, shared: { record, clock }, asked: new AsyncLocalStorage() },
    onError: (error) => errors.push(error),
  });
  const kept = async (stream: string) =>
    (await record.toldAfter(seal.handle, stream, 0)).map(({ sealed }) => seal.open(sealed));
  return { events, kept, errors, clock };
}

describe("what a session is told", () => {
  it("is kept in order, and its ids say where, by whom and for which requests it is", async () => {
    const { events, kept } = await opened();
    await events.answering([call(1), call("two")], async () => {
      const opening = await events.storeEvent("a", OPENING);
      expect(readEventId(opening)).toMatchObject({ number: 0, asked: [1, "two"], isEnd: false });
      const ids = [];
      for (const message of [note("one"), answer(1), answer("two")]) {
        ids.push(await events.storeEvent("a", message));
      }
      expect(ids.map((id) => readEventId(id))).toMatchObject([
        { stream: "a", number: 1, writer: "me", isEnd: false },
        { number: 2, isEnd: false },
        { number: 3, isEnd: true },
      ]);
      expect(await kept("a")).toEqual([
        { id: ids[0], message: note("one") },
        { id: ids[1], message: answer(1) },
        { id: ids[2], message: answer("two") },
      ]);
    });
  });

  it("shows which requests are being answered, until each is answered or called off", async () => {
    const { events } = await opened();
    let heard = 0;
    const stop = events.subscribe(() => heard++);
    await events.answering(call(1), () => events.storeEvent("a", OPENING));
    await events.answering([call(2), call(3)], () => events.storeEvent("b", OPENING));
    expect([events.isAtWork, events.isWriting("a"), events.isAnswering(2)]).toEqual([
      ...[true, true, true],
    ]);
    await events.storeEvent("a", answer(1));
    expect([events.isWriting("a"), events.isAnswering(1)]).toEqual([false, false]);
    events.callOff(2);
    expect([events.isAnswering(2), events.isAnswering(3)]).toEqual([false, true]);
    events.callOff("3");
    events.callOff(undefined);
    expect(events.isAtWork).toBe(true);
    events.callOff(3);
    expect(events.isAtWork).toBe(false);
    expect(heard).toBeGreaterThan(0);
    stop();
  });

  it("is an error in place of an answer that is too large to be kept, and nothing for large news", async () => {
    const { events, kept } = await opened();
    const large = "x".repeat(MOST_EVENT_BYTES);
    await events.answering(call(1), async () => {
      await events.storeEvent("a", note(large));
      await events.storeEvent("a", answer(1, large));
    });
    expect(await kept("a")).toMatchObject([
      { message: { id: 1, error: { message: expect.stringContaining("too large") } } },
    ]);
  });

  it("is not kept where it belongs to no request", async () => {
    const { events, kept } = await opened();
    const ids = [
      await events.storeEvent(NEWS_STREAM, note("news")),
      await events.storeEvent(NEWS_STREAM, note("news")),
      await events.storeEvent("of nothing", answer(1)),
    ];
    expect(new Set(ids).size).toBe(3);
    for (const stream of [NEWS_STREAM, "of nothing"]) expect(await kept(stream)).toEqual([]);
    expect(events.isAtWork).toBe(false);
  });

  it("reaches whoever is there though the record fails, or does not answer", async () => {
    const failing = await opened(async () => {
      throw new TypeError("away");
    });
    const told = await failing.events.answering(call(1), () =>
      failing.events.storeEvent("a", answer(1)),
    );
    expect(readEventId(told)).toMatchObject({ isEnd: true });
    expect(failing.errors).toHaveLength(1);

    const hanging = await opened(() => new Promise(() => {}));
    const late = hanging.events.answering(call(1), () => hanging.events.storeEvent("a", answer(1)));
    await hanging.clock.advance(5_000);
    expect(readEventId(await late)).toMatchObject({ isEnd: true });
  });
});
