import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import type { Asking, Question } from "../../src/core/question.ts";
import type { Way } from "../../src/questions/way.ts";
import { whileAsking } from "../../src/questions/while-asking.ts";
import { none, rig, WAIT_MS, YES } from "../support/asked-call-rig.ts";

/** What a call would like to know, and goes on without. */
const OFFER: Question = {
  key: "settle job_a",
  text: "Was it charged?",
  isAboutMoney: true,
  isOffer: true,
  choice: { title: "Was it?", values: ["yes", "no"] },
};
const SAYS_YES = { action: "accept", content: { choice: "yes" } };

/** A call that asks, and what it knows in the run that goes through. */
function looking() {
  const base = rig();
  const looks = async (way: Way, offer = OFFER, owner = "local") => {
    const call = { owner, tool: "look", args: { id: 1 }, signal: none(), progress: () => {} };
    return whileAsking(await base.questions.of(call, way), async (asking) => {
      const isKnown = asking?.agreed.has(offer.key) || asking?.passed.has(offer.key);
      if (!isKnown) throw new AppError("outcome_unknown", "Open.", { question: offer });
      return asking as Asking;
    });
  };
  /** As {@link looks}, with a user who answers after a while. */
  const look = async (reply: unknown, afterMs = 1_000, offer = OFFER, owner = "local") => {
    const answer = looks(base.within(reply, afterMs), offer, owner);
    await base.clock.advance(afterMs);
    return answer;
  };
  return { ...base, look, looks };
}

describe("what is offered", () => {
  it("is agreed to by an accept with a choice", async () => {
    const asking = await looking().look(SAYS_YES);
    expect([...(asking?.agreed ?? [])]).toEqual([[OFFER.key, "yes"]]);
    expect(asking?.passed.size).toBe(0);
  });

  it.each([
    ["a no", { action: "decline" }, 1_000, "The user was asked and did not want to say."],
    ["a closed question", { action: "cancel" }, 1_000, /closed the question/],
    ["an accept without a choice", YES, 1_000, /gave no answer/],
    [
      "a choice that is none",
      { action: "accept", content: { choice: "maybe" } },
      1_000,
      /no answer/,
    ],
    ["an accept at once", SAYS_YES, 299, /faster than a person reads/],
    ["an error", new Error("no such method"), 1_000, /could not be asked/],
  ])("changes nothing on %s, and the call goes on", async (_, reply, ms, said) => {
    const asking = await looking().look(reply, ms);
    expect(asking?.agreed.size).toBe(0);
    expect(asking?.passed.get(OFFER.key)).toEqual(
      typeof said === "string" ? said : expect.stringMatching(said),
    );
  });

  it("goes on without an answer once that has taken too long", async () => {
    const { looks, within, clock } = looking();
    const answer = looks(within(SAYS_YES, WAIT_MS + 5_000));
    await clock.advance(WAIT_MS + 1_000);
    expect((await answer)?.passed.get(OFFER.key)).toContain("did not answer within 60 s");
  });

  it("is asked again after an hour, of this owner, and of each thing and owner for itself", async () => {
    const { look, forms, clock } = looking();
    await look({ action: "decline" });
    expect((await look(SAYS_YES))?.passed.get(OFFER.key)).toBe("");
    expect(forms).toHaveLength(1);
    await look(SAYS_YES, 1_000, { ...OFFER, key: "settle job_b" });
    await look(SAYS_YES, 1_000, OFFER, "somebody");
    expect(forms).toHaveLength(3);
    await clock.advance(3_600_000);
    expect((await look(SAYS_YES))?.agreed.get(OFFER.key)).toBe("yes");
    expect(forms).toHaveLength(4);
  });

  it("is asked once by calls at the same moment, of which the others go on", async () => {
    const { looks, within, clock, forms } = looking();
    const [first, second] = [looks(within(SAYS_YES)), looks(within(SAYS_YES))];
    expect((await second)?.passed.get(OFFER.key)).toBe("");
    await clock.advance(1_000);
    expect((await first)?.agreed.get(OFFER.key)).toBe("yes");
    expect(forms).toHaveLength(1);
  });

  it("makes no purchase one that has to be asked for", async () => {
    const { look, questions, within } = looking();
    await look({ action: "decline" });
    const again = { owner: "local", tool: "look", args: { id: 1 }, signal: none(), progress() {} };
    const asked = await questions.of(again, within(YES));
    expect(await asked.run(async ({ insists }) => insists)).toBe(false);
  });

  it("is over with a call that is given up, and no call that goes on forever asks forever", async () => {
    const { questions, within, clock } = looking();
    const gone = new AbortController();
    const call = { owner: "local", tool: "look", args: {}, signal: gone.signal, progress() {} };
    const asked = await questions.of(call, within(SAYS_YES));
    const over = expect(asked.ask(OFFER)).rejects.toMatchObject({ code: "cancelled" });
    await clock.advance(500);
    gone.abort();
    await over;
    const stubborn = await questions.of({ ...call, signal: none() }, within(SAYS_YES, 0));
    const refused = whileAsking(stubborn, () =>
      Promise.reject(new AppError("outcome_unknown", "Open.", { question: OFFER })),
    );
    await expect(refused).rejects.toThrow("Open.");
  });
});

describe("a client that gets the offer as an answer", () => {
  it("is told once whose answer it brings, and is heard", async () => {
    const { looks, questions, clock } = looking();
    let state = "";
    const ask: Way = {
      ...{ kind: "between", state: undefined, replies: {} },
      send: ({ requestState = "" }) => {
        state = requestState;
      },
    };
    expect(await looks(ask)).toBeUndefined();
    await clock.advance(1_000);
    const back: Way = { ...ask, state, replies: { question: SAYS_YES } };
    const call = { owner: "local", tool: "look", args: { id: 1 }, signal: none(), progress() {} };
    const asked = await questions.of(call, back);
    expect(await asked.run(async ({ awaited }) => awaited)).toBe(OFFER.key);
    expect(await asked.ask(OFFER)).toMatchObject({ kind: "accepted", chosen: "yes" });
    expect(await asked.run(async ({ awaited }) => awaited)).toBeUndefined();
    // The same answer again is none, and it is not asked again so soon.
    expect((await looks(back))?.passed.get(OFFER.key)).toBe("");
  });
});
