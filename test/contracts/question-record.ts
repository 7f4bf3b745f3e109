import { describe, expect, it } from "vitest";
import { randomToken } from "../../src/core/ids.ts";
import { benchFor, type StoreKit } from "./kit.ts";
import { processesFor } from "./processes.ts";
import { codesOf, type Race, valuesOf } from "./racer.ts";

const NOW = 1_795_176_000_000;

/** Holds an implementation of `QuestionRecord` to everything that the program relies on. */
export function describeQuestionRecord(kit: StoreKit): void {
  const bench = benchFor(kit);
  const race = processesFor(kit);

  describe("the secret of questions", () => {
    it("is long, the same in all processes and afterwards, and another one elsewhere", async () => {
      const secret = await bench.questions.secret();
      expect(secret.length).toBeGreaterThanOrEqual(32);
      expect((await (await bench.another()).questions.secret()).equals(secret)).toBe(true);
      const other = await kit.open(await kit.place());
      expect((await other.questions.secret()).equals(secret)).toBe(false);
      await other.jobs.close();
    });

    it("is none of those that the record has for other things", async () => {
      const secret = (await bench.questions.secret()).toString("hex");
      for (const text of ["", "the key of download links"]) {
        expect(await bench.jobs.digest(text)).not.toBe(secret);
      }
    });
  });

  describe("an answer", () => {
    it("is the first once, in whatever process it comes again", async () => {
      const nonce = randomToken();
      expect(await bench.questions.use(nonce, NOW + 100, NOW)).toBe(true);
      expect(await bench.questions.use(nonce, NOW + 100, NOW + 1)).toBe(false);
      const { questions } = await bench.another();
      expect(await questions.use(nonce, NOW + 500, NOW + 99)).toBe(false);
      expect(await questions.use(randomToken(), NOW + 100, NOW)).toBe(true);
    });

    it("is remembered until it may be forgotten, and not for ever", async () => {
      const [early, late] = [randomToken(), randomToken()];
      await bench.questions.use(early, NOW + 100, NOW);
      await bench.questions.use(late, NOW + 300, NOW);
      expect(await bench.questions.use(late, NOW + 300, NOW + 200)).toBe(false);
      expect(await bench.questions.use(early, NOW + 300, NOW + 200)).toBe(true);
    });

    it("counts for one of several processes that get it at the same moment", async () => {
      const nonces = Array.from({ length: 40 }, () => randomToken());
      const all: Race = {
        store: "questions",
        method: "use",
        calls: nonces.map((nonce) => [nonce, NOW + 1_000, NOW]),
      };
      const outcomes = (await race(bench.place, all, all, all)).flat();
      expect(codesOf(outcomes)).toEqual([]);
      expect(valuesOf(outcomes).filter((isFirst) => isFirst === true)).toHaveLength(nonces.length);
    });
  });
}
