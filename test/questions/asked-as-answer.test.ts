import { describe, expect, it } from "vitest";
import type { Question } from "../../src/core/question.ts";
import type { Way } from "../../src/questions/way.ts";
import { type CallOptions, MONEY, PLACE, rig, WAIT_MS, YES } from "../support/asked-call-rig.ts";
import { settle } from "../support/fake-clock.ts";

describe("a client that gets the question as an answer", () => {
  /** Calls, and calls again with what came back, as such a client does. */
  function caller() {
    const base = rig();
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
    await expect(call(between(state, YES))).rejects.toThrow("dear");
    expect(done).toHaveLength(1);
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
