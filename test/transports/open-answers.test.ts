import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { OpenAnswers } from "../../src/transports/http/open-answers.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { credential, remoteCaller } from "../support/http-server.ts";

const SECOND = 1_000;

function open() {
  const clock = new FakeClock();
  const errors: Error[] = [];
  const answers = new OpenAnswers(clock, (error) => errors.push(error));
  const answer = () => {
    const one = new ServerResponse(new IncomingMessage(new Socket()));
    one.assignSocket(new Socket());
    return one;
  };
  return { clock, errors, answers, answer };
}

describe("an answer that is being given", () => {
  it("ends within a second of its credential, and others go on", async () => {
    const { clock, answers, answer } = open();
    let holds = true;
    const [first, second, other] = [answer(), answer(), answer()];
    const adas = credential(remoteCaller("ada"), { holds: async () => holds });
    answers.watch(first, adas);
    answers.watch(second, adas);
    answers.watch(other, credential(remoteCaller("ben")));
    await clock.advance(60 * SECOND);
    expect([first.destroyed, second.destroyed]).toEqual([false, false]);
    holds = false;
    await clock.advance(SECOND);
    expect([first.destroyed, second.destroyed]).toEqual([true, true]);
    expect(other.destroyed).toBe(false);
  });

  it("ends when its login ends, and not before", async () => {
    const { clock, answers, answer } = open();
    const [one, later] = [answer(), answer()];
    const endsAt = clock.now() + 30 * SECOND;
    answers.watch(one, credential(remoteCaller("ada"), { id: "one", endsAt }));
    answers.watch(
      later,
      credential(remoteCaller("ada"), { id: "later", endsAt: endsAt + 60 * SECOND }),
    );
    await clock.advance(29 * SECOND);
    expect(one.destroyed).toBe(false);
    await clock.advance(2 * SECOND);
    expect([one.destroyed, later.destroyed]).toEqual([true, false]);
  });

  it("ends when nobody can say whether its credential holds", async () => {
    const { clock, errors, answers, answer } = open();
    const one = answer();
    answers.watch(
      one,
      credential(remoteCaller("ada"), { holds: () => Promise.reject(new Error("gone")) }),
    );
    await clock.advance(SECOND);
    expect(one.destroyed).toBe(true);
    expect(errors.map(({ message }) => message)).toEqual(["gone"]);
  });

  it("is asked about once for all that a credential has open, and not when nothing is", async () => {
    const { clock, answers, answer } = open();
    let asked = 0;
    const adas = credential(remoteCaller("ada"), { holds: async () => ++asked > 0 });
    const all = Array.from({ length: 50 }, answer);
    for (const one of all) answers.watch(one, adas);
    await clock.advance(4 * SECOND);
    expect(asked).toBeLessThanOrEqual(10);
    for (const one of all) one.destroy();
    await new Promise(setImmediate);
    await clock.advance(SECOND);
    expect(clock.pending).toBe(0);
  });

  it("is left alone once nobody serves any more", async () => {
    const { clock, answers, answer } = open();
    answers.watch(answer(), credential(remoteCaller("ada")));
    answers.close();
    expect(clock.pending).toBe(0);
  });
});
