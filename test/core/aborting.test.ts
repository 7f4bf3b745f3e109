import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { onAbort } from "../../src/core/aborting.ts";
import { delay } from "../../src/core/clock.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("a signal that many wait for", () => {
  it("has one listener, however many there are", async () => {
    const { signal } = new AbortController();
    const clock = new FakeClock();
    const waits = Array.from({ length: 1_000 }, () => delay(clock, 1_000, signal));
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    await clock.advance(1_000);
    await Promise.all(waits);
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
  });

  it("tells each of them once, but not who no longer waits", () => {
    const stopping = new AbortController();
    const heard: string[] = [];
    const hear = () => heard.push("the same, given twice");
    onAbort(stopping.signal, hear);
    onAbort(stopping.signal, hear);
    const release = onAbort(stopping.signal, () => heard.push("released"));
    onAbort(stopping.signal, () => heard.push("another"));
    release();
    stopping.abort();
    stopping.abort();
    expect(heard).toEqual(["the same, given twice", "the same, given twice", "another"]);
  });

  it("tells at once who comes too late, and ends their wait", async () => {
    const heard: string[] = [];
    onAbort(AbortSignal.abort(), () => heard.push("late"));
    expect(heard).toEqual(["late"]);
    const wait = delay(new FakeClock(), 1_000, AbortSignal.abort());
    await expect(wait).rejects.toMatchObject({ code: "cancelled" });
  });

  it("may be none", () => {
    const release = onAbort(undefined, () => expect.unreachable());
    expect(release()).toBeUndefined();
  });
});
