import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import type { Question } from "../../src/core/question.ts";
import type { Way } from "../../src/questions/way.ts";
import {
  type CallOptions,
  MONEY,
  memoryRecord,
  PLACE,
  rig,
  WAIT_MS,
  YES,
} from "../support/asked-call-rig.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

describe("a client that gets the question as an answer", () => {
  /** Calls, and calls again with what came back, as such a client does. */
  function caller(...shared: Parameters<typeof rig>) {
    const base = rig(...shared);
    const sent: (string | undefined)[] = [];
    const between = (state?: string, reply?: unknown): Way => ({
      kind: "between",
      state,
      replies: reply === undefined ? {} : { question: reply },
      send: ({ requestState }) => {
        sent.push(requestState);
      },
    });
    /** The state of the question that is asked. */
    const ask = async (...more: [wants?: readonly Question[], options?: CallOptions]) => {
      sent.length = 0;
      expect(await base.call(between(), ...more)).toBeUndefined();
      return sent[0] ?? expect.fail("nothing was asked");
    };
    const sentAgain = () => sent.length > 1;
    return { ...base, between, ask, sentAgain };
  }

  it("goes on when it comes back with an accept", async () => {
    const { ask, call, between, clock, done } = caller();
    const state = await ask();
    await clock.advance(1_000);
    expect(await call(between(state, YES))).toBe("done");
    expect(done).toHaveLength(1);
  });

  it.each([
    ["declined", { action: "decline" }, 0, /said no/],
    ["cancelled", { action: "cancel" }, 0, /closed/],
    ["absent", undefined, 1_000, /could not be asked/],
    ["too fast", YES, 299, /faster than a person/],
    ["too late", YES, WAIT_MS + 1, /did not answer/],
  ])("ends with the refusal when it is %s", async (_, reply, ms, next) => {
    const { ask, call, between, clock, done } = caller();
    const state = await ask();
    await clock.advance(ms);
    await expect(call(between(state, reply))).rejects.toMatchObject({
      code: "over_budget",
      next: expect.stringMatching(next),
    });
    expect(done).toEqual([]);
  });

  it.each<[string, CallOptions]>([
    ["another argument", { args: { prompt: "Two cats" } }],
    ["one more argument", { args: { prompt: "A cat", force_new: true } }],
    ["another caller", { owner: "somebody" }],
    ["another tool", { tool: "draw" }],
  ])("is asked anew with %s: its answer was to something else", async (_, options) => {
    const { ask, call, between, clock, done, sentAgain } = caller();
    const state = await ask();
    await clock.advance(1_000);
    expect(await call(between(state, YES), [MONEY], options)).toBeUndefined();
    expect(sentAgain()).toBe(true);
    expect(done).toEqual([]);
  });

  it("is answered by the arguments in whatever order", async () => {
    const { ask, call, between, clock } = caller();
    const state = await ask([MONEY], { args: { prompt: "A cat", more: { a: 1, b: [2] } } });
    await clock.advance(1_000);
    const args = { more: { b: [2], a: 1 }, prompt: "A cat" };
    expect(await call(between(state, YES), [MONEY], { args })).toBe("done");
  });

  it("counts one answer once", async () => {
    const { ask, call, between, clock, done } = caller();
    const state = await ask();
    await clock.advance(1_000);
    expect(await call(between(state, YES))).toBe("done");
    expect(await call(between(state, YES))).toBeUndefined();
    await clock.advance(WAIT_MS * 3);
    expect(await call(between(state, YES))).toBeUndefined();
    expect(done).toHaveLength(1);
  });

  it("goes on in another process of the same record, once among all of them", async () => {
    const [record, clock] = [memoryRecord(), new FakeClock()];
    const [before, after, beside] = [1, 2, 3].map(() => caller(record, clock));
    if (!before || !after || !beside) return expect.fail();
    const state = await before.ask();
    await clock.advance(1_000);
    expect(await after.call(after.between(state, YES))).toBe("done");
    expect(await beside.call(beside.between(state, YES))).toBeUndefined();
    expect([before, after, beside].map(({ done }) => done.length)).toEqual([0, 1, 0]);
    // There, too, no person has answered within a moment, or after so long.
    const [dog, cow] = ["A dog", "A cow"].map((prompt) => ({ args: { prompt } }));
    const fast = await before.ask([MONEY], dog);
    await clock.advance(299);
    await expect(after.call(after.between(fast, YES), [MONEY], dog)).rejects.toMatchObject({
      next: expect.stringContaining("faster than a person"),
    });
    const old = await before.ask([MONEY], cow);
    await clock.advance(WAIT_MS + 1);
    await expect(after.call(after.between(old, YES), [MONEY], cow)).rejects.toMatchObject({
      next: expect.stringContaining("did not answer"),
    });
    expect(after.done).toHaveLength(1);
  });

  it("is asked anew by whoever has another record, and after a day", async () => {
    const { ask, call, between, clock, done } = caller();
    const other = caller();
    const state = await ask();
    await Promise.all([clock, other.clock].map((one) => one.advance(1_000)));
    expect(await other.call(other.between(state, YES))).toBeUndefined();
    expect(other.sentAgain()).toBe(false);
    await clock.advance(24 * 3_600_000);
    expect(await call(between(state, YES))).toBeUndefined();
    expect([...done, ...other.done]).toEqual([]);
  });

  it("buys nothing by a clock that was put back, and nothing where the record is broken", async () => {
    const { ask, call, between, clock, done } = caller();
    const state = await ask();
    clock.jump(-60_000);
    await clock.advance(1_000);
    await expect(call(between(state, YES))).rejects.toMatchObject({
      next: expect.stringContaining("faster than a person"),
    });
    const broken = caller({
      ...memoryRecord(),
      use: () => Promise.reject(new AppError("storage", "The disk is gone.")),
    });
    const asked = await broken.ask();
    await broken.clock.advance(1_000);
    await expect(broken.call(broken.between(asked, YES))).rejects.toMatchObject({
      code: "storage",
    });
    expect([...done, ...broken.done]).toEqual([]);
  });

  it("takes no state that it has not made, whole or in parts", async () => {
    const { ask, call, between, clock, done } = caller();
    // One that waits for no other call.
    const args = { prompt: "A cat", force_new: true };
    const state = await ask([MONEY], { args });
    await clock.advance(1_000);
    const [body = "", mac = ""] = state.split(".");
    const forged = Buffer.from(
      JSON.stringify({ nonce: "x", askedAt: 0, asked: MONEY.key, agreed: [[MONEY.key, ""]] }),
    ).toString("base64url");
    for (const one of ["", ".", body, `${body}.`, `${forged}.${mac}`, `${body}.${mac}.${mac}`]) {
      expect(await call(between(one, YES), [MONEY], { args })).toBeUndefined();
    }
    expect(done).toEqual([]);
  });

  it("remembers what was agreed to before, as long as a question lasts", async () => {
    const { ask, call, between, clock, done } = caller();
    const first = await ask([PLACE, MONEY]);
    await clock.advance(1_000);
    let second = "";
    const way: Way = {
      kind: "between",
      state: first,
      replies: { question: YES },
      send: ({ requestState = "" }) => {
        second = requestState;
      },
    };
    expect(await call(way, [PLACE, MONEY])).toBeUndefined();
    // The state itself buys nothing, however often and late it comes.
    await clock.advance(WAIT_MS + 1);
    expect(await call(between(second, YES), [PLACE])).toBeUndefined();
    expect(done).toEqual([]);
  });

  it("waits a little for the answer to the same question of another call", async () => {
    const { ask, call, between, clock, done, sentAgain } = caller();
    const state = await ask();
    const other = call(between());
    await clock.advance(1_000);
    expect(await call(between(state, YES))).toBe("done");
    expect(await other).toBe("done");
    expect(done).toHaveLength(2);
    // Of a question that is not answered, it asks itself in the end.
    await ask();
    const late = call(between());
    await clock.advance(20_000);
    expect(await late).toBeUndefined();
    expect(sentAgain()).toBe(true);
    await settle();
  });
});
