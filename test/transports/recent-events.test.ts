import { describe, expect, it } from "vitest";
import { RecentEvents } from "../../src/transports/http/recent-events.ts";

const note = (words: string) => ({ jsonrpc: "2.0" as const, method: "note", params: { words } });

async function heardAfter(events: RecentEvents, eventId: string) {
  const heard: unknown[] = [];
  const streamId = await events.replayEventsAfter(eventId, {
    send: async (id, message) => void heard.push([id, message]),
  });
  return { heard, streamId };
}

describe("what a session was told last", () => {
  it("is told again from where a client has heard it, of its stream alone", async () => {
    const events = new RecentEvents();
    const first = await events.storeEvent("a", note("one"));
    await events.storeEvent("b", note("elsewhere"));
    const second = await events.storeEvent("a", note("two"));
    expect(await events.getStreamIdForEventId(first)).toBe("a");
    expect(await heardAfter(events, first)).toEqual({
      streamId: "a",
      heard: [[second, note("two")]],
    });
    expect((await heardAfter(events, second)).heard).toEqual([]);
  });

  it("has no event in it that only opens a stream", async () => {
    const events = new RecentEvents();
    // The library stores an empty message then, though its types know none.
    const opening = JSON.parse("{}");
    const id = await events.storeEvent("a", opening);
    await events.storeEvent("a", opening);
    expect(await heardAfter(events, id)).toEqual({ streamId: "a", heard: [] });
  });

  it("is bounded, by their number and by their length", async () => {
    const events = new RecentEvents();
    const first = await events.storeEvent("a", note("first"));
    for (let at = 0; at < 1_000; at++) await events.storeEvent("a", note(`${at}`));
    const { heard } = await heardAfter(events, first);
    expect(heard).toHaveLength(256);
    expect(heard.at(-1)).toMatchObject([expect.any(String), note("999")]);
    for (let at = 0; at < 3; at++) await events.storeEvent("a", note("x".repeat(2 ** 21)));
    expect((await heardAfter(events, first)).heard).toHaveLength(1);
  });

  it("is not found by what is no id", async () => {
    const events = new RecentEvents();
    await events.storeEvent("a", note("one"));
    for (const id of ["", "a", "_a", "1", "x_a", "-1_a"]) {
      expect(await events.getStreamIdForEventId(id)).toBeUndefined();
    }
  });
});
