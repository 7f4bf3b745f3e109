import { describe, expect, it } from "vitest";
import { MONEY, PLACE, rig, WAIT_MS, YES } from "../support/asked-call-rig.ts";

describe("a client that is asked within the call", () => {
  it("goes on with what was accepted", async () => {
    const { call, within, clock, forms, done } = rig();
    const answer = call(within(YES));
    await clock.advance(1_000);
    expect(await answer).toBe("done");
    expect(done).toHaveLength(1);
    expect(forms).toEqual([
      { mode: "form", message: "Buy it?", requestedSchema: { type: "object", properties: {} } },
    ]);
  });

  it.each([
    ["a no", { action: "decline" }, /said no\. Ask\./],
    ["a closed question", { action: "cancel" }, /closed the question/],
    ["what is no answer", { action: "maybe" }, /could not be asked/],
    ["nothing", undefined, /could not be asked/],
    ["an error", new Error("no such method"), /could not be asked/],
  ])("ends with the refusal on %s", async (_, reply, next) => {
    const { call, within, clock, done } = rig();
    const answer = call(within(reply, 0));
    const refusal = expect(answer).rejects.toMatchObject({
      code: "over_budget",
      message: "It is dear.",
      next: expect.stringMatching(next),
    });
    await clock.advance(1_000);
    await refusal;
    expect(done).toEqual([]);
  });

  it.each([0, 299])("takes no accept of money after %i ms for a person's", async (ms) => {
    const { call, within, clock, done } = rig();
    const refusal = expect(call(within(YES, ms))).rejects.toMatchObject({
      next: expect.stringContaining("faster than a person reads"),
    });
    await clock.advance(ms);
    await refusal;
    expect(done).toEqual([]);
  });

  it("takes one after 300 ms, and one about a place at once", async () => {
    const { call, within, clock, done } = rig();
    const bought = call(within(YES, 300));
    await clock.advance(300);
    expect(await bought).toBe("done");
    const read = call(within(YES, 0), [PLACE]);
    await clock.advance(0);
    expect(await read).toBe("done");
    expect(done).toHaveLength(2);
  });

  it("takes the question back when nobody answers, and hears nothing afterwards", async () => {
    const { call, within, clock, done } = rig();
    const refusal = expect(call(within(YES, WAIT_MS + 1))).rejects.toMatchObject({
      next: expect.stringContaining("did not answer within 60 s"),
    });
    await clock.advance(WAIT_MS + 1_000);
    await refusal;
    expect(done).toEqual([]);
  });

  it("is over with its call: a later answer does nothing", async () => {
    const { call, within, clock, done } = rig();
    const gone = new AbortController();
    const over = expect(call(within(YES), [MONEY], { signal: gone.signal })).rejects.toMatchObject({
      code: "cancelled",
    });
    await clock.advance(500);
    gone.abort();
    await clock.advance(1_000);
    await over;
    expect(done).toEqual([]);
  });

  it("asks one thing after the other, and keeps what is to last", async () => {
    const { call, within, clock, kept, done } = rig();
    const answer = call(within({ action: "accept", content: { choice: "always" } }), [
      PLACE,
      MONEY,
    ]);
    await clock.advance(2_000);
    expect(await answer).toBe("done");
    expect(kept).toEqual(["read-file /srv/cat.png: always", "buy it $2: "]);
    expect([...(done[0]?.agreed ?? [])]).toEqual([
      ["read-file /srv/cat.png", "always"],
      ["buy it $2", ""],
    ]);
  });

  it("takes no choice that was not given", async () => {
    const { call, within, clock, kept } = rig();
    const refusal = expect(
      call(within({ action: "accept", content: { choice: "for ever" } }), [PLACE]),
    ).rejects.toMatchObject({ code: "over_budget" });
    await clock.advance(1_000);
    await refusal;
    expect(kept).toEqual([]);
  });

  it("is asked once for calls that want the same, and for each that wants another", async () => {
    const { call, within, clock, forms } = rig();
    const same = [call(within(YES)), call(within(YES))];
    await clock.advance(1_000);
    expect(await Promise.all(same)).toEqual(["done", "done"]);
    expect(forms).toHaveLength(1);
    const more = { args: { prompt: "A cat", force_new: true } };
    const others = [call(within(YES), [MONEY], more), call(within(YES), [MONEY], more)];
    await clock.advance(1_000);
    expect(await Promise.all(others)).toEqual(["done", "done"]);
    expect(forms).toHaveLength(3);
  });

  it("asks itself when the call that was asking is given up", async () => {
    const { call, within, clock, forms } = rig();
    const gone = new AbortController();
    const first = call(within(YES), [MONEY], { signal: gone.signal }).catch(() => "gone");
    const second = call(within(YES));
    await clock.advance(500);
    gone.abort();
    await clock.advance(1_000);
    expect(await Promise.all([first, second])).toEqual(["gone", "done"]);
    expect(forms).toHaveLength(2);
  });

  it("says by and by whom it waits for", async () => {
    const { call, within, clock, progress } = rig();
    const answer = call(within(YES, 11_000));
    await clock.advance(11_000);
    await answer;
    expect(progress).toEqual(Array(3).fill("waiting for the user's answer"));
  });

  it("insists on the same purchase once it was turned down, whatever its limits", async () => {
    const { call, within, clock, done } = rig();
    const no = call(within({ action: "decline" }), [MONEY], {
      args: { prompt: "A cat", max_cost_usd: 1 },
    }).catch(() => "no");
    await clock.advance(1_000);
    expect(await no).toBe("no");
    await call(within(YES), [], { args: { prompt: "A cat", max_cost_usd: 9, wait_seconds: 1 } });
    await call(within(YES), [], { args: { prompt: "A dog" } });
    await call(within(YES), [], { owner: "other" });
    expect(done.map(({ insists }) => insists)).toEqual([true, false, false]);
    await clock.advance(3_600_000);
    await call(within(YES), []);
    expect(done.at(-1)?.insists).toBe(false);
  });
});
