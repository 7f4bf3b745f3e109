import { expect, test } from "vitest";
import { BLOWS, type Strike, WRITES } from "./striking-proxy.ts";
import { type Cast, forgetAll, isAtRest, LIVES, type Life, wrongs } from "./struck-lives.ts";
import { StruckHouse, type StruckReplica } from "./struck-replicas.ts";

/*
 * Each message that a replica sends its database in the whole life of a job, cut off before it
 * arrives, cut off before its answer does, and delivered late: when its sender has long gone on, or
 * another replica has. All of them by hand: CLUSTER_LATE=all, some lives of them:
 * CLUSTER_LIVES=bought,ended, some blows: CLUSTER_BLOWS=late. CI strikes one in each of a few.
 */

const { CLUSTER_LATE, CLUSTER_LIVES, CLUSTER_BLOWS } = process.env;
const isWhole = CLUSTER_LATE === "all";
const FEW = "refused first,found";
const wanted = (list: string | undefined, one: string) => list?.split(",").includes(one) ?? true;
const BLOWN = BLOWS.filter((blow) => wanted(CLUSTER_BLOWS, blow));
/** After so many other messages a late one arrives; at last when all is at rest. */
const LATER = [1, 4, 16, undefined];
/** A commit has all its locks until it comes, and is given up by the server after a while. */
const LATER_IN_TRANSACTION = [1, 4, 16];
/** What is asked again and again is asked like that. */
const OF_ONE_KIND = 3;
const TIMEOUT_MS = 6 * 3_600_000;

interface Named extends Strike {
  message: string;
}

/** Everything that can be done to what was asked. */
function strikesOf(asked: readonly string[]): Named[] {
  const counts = new Map<string, number>();
  return asked.flatMap((message) => {
    const nth = (counts.get(message) ?? 0) + 1;
    counts.set(message, nth);
    if (nth > OF_ONE_KIND) return [];
    const strike = { message, isMeant: (one: string) => one === message, nth };
    return BLOWN.flatMap((blow): Named[] => {
      if (blow !== "late") return [{ ...strike, blow }];
      // What only looks changes nothing, however late; nor does what is never committed.
      if (!WRITES.test(message) || message.startsWith("within ")) return [];
      const later = message.startsWith("commit ") ? LATER_IN_TRANSACTION : LATER;
      return later.map((after) => ({ ...strike, blow, after }));
    });
  });
}

/** Two replicas, for as long as nothing is wrong with what they have done. */
class Company {
  #house: StruckHouse | undefined;
  #first: StruckReplica | undefined;
  #second: StruckReplica | undefined;
  #count = 0;
  #isHasty = false;

  /** @returns what is wrong then, and what the first replica has asked. */
  async live(life: Life, strike?: Strike): Promise<{ found: string[]; asked: string[] }> {
    const { isTakenOver = false } = life;
    if (this.#isHasty !== isTakenOver) await this.#part();
    this.#isHasty = isTakenOver;
    this.#house ??= await StruckHouse.open();
    this.#first ??= await this.#house.replica("first", isTakenOver);
    this.#second ??= await this.#house.replica("second", isTakenOver);
    const [house, first, second] = [this.#house, this.#first, this.#second];
    const cast: Cast = { house, first, second, key: `key ${this.#count++}` };
    first.proxy.asked = [];
    if (strike) first.proxy.strike(strike);
    const found = await this.#through(life, cast).catch((error) => [`it does not end: ${error}`]);
    const { asked } = first.proxy;
    await forgetAll(house);
    if (life.isItsLast) this.#first = undefined;
    // Whatever is left of that is no matter of the next one's.
    if (found.length > 0) await this.#part();
    return { found, asked };
  }

  async #part(): Promise<void> {
    await this.#first?.end();
    await this.#second?.end();
    this.#house = this.#first = this.#second = undefined;
  }

  async #through(life: Life, cast: Cast): Promise<string[]> {
    await life.live(cast);
    await isAtRest(cast.house);
    await cast.first.proxy.letGo();
    await isAtRest(cast.house);
    return wrongs(cast, life);
  }
}

test("whatever message is lost, unanswered or late, a job is bought once, and all of it is kept", {
  timeout: TIMEOUT_MS,
}, async () => {
  const company = new Company();
  const all: string[] = [];
  let count = 0;
  for (const [n, [name, life]] of Object.entries(LIVES).entries()) {
    if (!wanted(CLUSTER_LIVES ?? (isWhole ? undefined : FEW), name)) continue;
    const usual = await company.live(life);
    expect(usual.found, name).toEqual([]);
    const strikes = strikesOf(usual.asked);
    // Another kind of message in each life, of those that change something.
    const writes = strikes.filter(({ blow }) => blow === "late");
    const chosen = isWhole ? strikes : writes.slice((n * 7) % writes.length).slice(0, 1);
    for (const strike of chosen) {
      const { found } = await company.live(life, strike);
      count++;
      const { message, nth, blow, after = "at rest" } = strike;
      all.push(...found.map((what) => `${name}, ${blow} (${after}), ${nth}. ${message}: ${what}`));
      if (isWhole && found.length > 0) console.info(all.at(-1));
    }
    if (isWhole) console.info(name, `${count} strikes`, `${all.length} wrong`);
  }
  expect(all).toEqual([]);
  expect(count).toBeGreaterThan(0);
});
