import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import type { Asking, Question } from "../../src/core/question.ts";
import type { ElicitationForm } from "../../src/questions/form.ts";
import { Questions } from "../../src/questions/user-questions.ts";
import type { Way } from "../../src/questions/way.ts";
import { whileAsking } from "../../src/questions/while-asking.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

const WAIT_MS = 60_000;
const MONEY: Question = { key: "buy it $2", text: "Buy it?", isAboutMoney: true };
const PLACE: Question = {
  key: "read-file /srv/cat.png",
  text: "Read it?",
  isAboutMoney: false,
  choice: { title: "How long", values: ["once", "always"], preset: "once" },
};

/** Somebody who is asked, and what was kept and done. */
function rig() {
  const clock = new FakeClock();
  const kept: string[] = [];
  const questions = new Questions({
    clock,
    waitMs: WAIT_MS,
    keep: async (key, chosen) => {
      kept.push(`${key}: ${chosen}`);
    },
  });
  const forms: ElicitationForm[] = [];
  /** What was done, each time that a run went through. */
  const done: Asking[] = [];
  const progress: string[] = [];

  /** A call that is refused as long as one of its questions has not been agreed to. */
  async function call(
    way: Way,
    wants: readonly Question[] = [MONEY],
    {
      args = { prompt: "A cat" },
      owner = "local",
      tool = "paint",
      signal = none(),
    }: CallOptions = {},
  ) {
    const asked = questions.of(
      { owner, tool, args, signal, progress: (message) => progress.push(message) },
      way,
    );
    return whileAsking(asked, async (asking) => {
      const open = wants.find(({ key }) => !asking?.agreed.has(key));
      if (open) {
        throw new AppError("over_budget", "It is dear.", { next: "Ask.", question: open });
      }
      if (asking) done.push(asking);
      return "done";
    });
  }
  /** A client that is asked within the call, and answers in so many milliseconds. */
  const within = (answer: unknown, afterMs = 1_000): Way => ({
    kind: "within",
    send: (form, signal) => {
      forms.push(form);
      return new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("taken back")));
        clock.schedule(afterMs, () => (answer instanceof Error ? reject(answer) : resolve(answer)));
      });
    },
  });
  return { clock, questions, forms, done, kept, progress, call, within };
}

interface CallOptions {
  args?: Record<string, unknown>;
  owner?: string;
  tool?: string;
  signal?: AbortSignal;
}

function none(): AbortSignal {
  return new AbortController().signal;
}

const YES = { action: "accept", content: {} };

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
