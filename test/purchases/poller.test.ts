import { describe, expect, it } from "vitest";
import { Poller } from "../../src/purchases/poller.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

/** Of one owner's, and so many a round. */
const ONE_AT_A_TIME = 104;
const ALL_AT_A_TIME = 117;

const of = (jobId: string, owner = "anna") => ({ jobId, owner });

function poller(
  look: (jobId: string) => number | undefined | Promise<number | undefined>,
  timeScale = 0,
  isUrgent: (jobId: string) => boolean = () => false,
) {
  const clock = new FakeClock();
  const looks: { jobId: string; at: number }[] = [];
  const noted = async (jobId: string) => {
    looks.push({ jobId, at: clock.elapsed() });
    return look(jobId);
  };
  return { clock, looks, one: new Poller(clock, { look: noted, isUrgent }, timeScale) };
}

/** The pauses between looks at each of some jobs, in milliseconds. */
function pausesBetween(looks: readonly { jobId: string; at: number }[], jobs: RegExp): number[] {
  const last = new Map<string, number>();
  return looks
    .filter(({ jobId }) => jobs.test(jobId))
    .flatMap(({ jobId, at }) => {
      const before = last.get(jobId);
      last.set(jobId, at);
      return before === undefined ? [] : [at - before];
    });
}

describe("the poller", () => {
  it("has one timer, whatever the number of jobs", async () => {
    const { clock, one } = poller(() => 1_000);
    for (let i = 0; i < 1_000; i++) one.plan(of(`job-${i}`), i);
    expect(clock.pending).toBe(1);
    await clock.advance(500);
    expect(clock.pending).toBe(1);
    expect(one.size).toBe(1_000);
  });

  it("looks in the order in which jobs are due, at the moment they are", async () => {
    const { clock, looks, one } = poller(() => undefined);
    one.plan(of("late"), 300);
    one.plan(of("early"), 100);
    one.plan(of("middle"), 200);
    await clock.advance(99);
    expect(looks).toEqual([]);
    await clock.advance(1_000);
    expect(looks).toEqual([
      { jobId: "early", at: 100 },
      { jobId: "middle", at: 200 },
      { jobId: "late", at: 300 },
    ]);
  });

  it("looks again after as long as the look says, until it says nothing", async () => {
    const pauses = [50, 70, undefined];
    const { clock, looks, one } = poller(() => pauses.shift());
    one.plan(of("a"), 10);
    await clock.advance(10_000);
    expect(looks.map(({ at }) => at)).toEqual([10, 60, 130]);
    expect(one.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("lets a new plan replace the old one, earlier or later", async () => {
    const { clock, looks, one } = poller(() => undefined);
    one.plan(of("sooner"), 500);
    one.plan(of("sooner"), 100);
    one.plan(of("later"), 100);
    one.plan(of("later"), 500);
    await clock.advance(1_000);
    expect(looks).toEqual([
      { jobId: "sooner", at: 100 },
      { jobId: "later", at: 500 },
    ]);
  });

  it("lets a plan made during a look stand against what that look says", async () => {
    const { clock, looks, one } = poller((jobId) => {
      if (looks.length === 1) one.plan(of(jobId), 700);
      return looks.length === 1 ? 50 : undefined;
    });
    one.plan(of("a"), 100);
    await clock.advance(5_000);
    expect(looks.map(({ at }) => at)).toEqual([100, 800]);
  });

  it("forgets a job when told to, also in the middle of a look", async () => {
    const { clock, looks, one } = poller(() => {
      one.forget("during");
      return 10;
    });
    one.plan(of("before"), 100);
    one.forget("before");
    one.plan(of("during"), 200);
    await clock.advance(1_000);
    expect(looks).toEqual([{ jobId: "during", at: 200 }]);
    expect(one.size).toBe(0);
  });

  it("does not look at everything at once, and misses nothing", async () => {
    const waiting: (() => void)[] = [];
    const { clock, looks, one } = poller(
      () => new Promise((resolve) => waiting.push(() => resolve(undefined))),
    );
    for (let i = 0; i < 250; i++) one.plan(of(`job-${i}`), 0);
    await clock.advance(0);
    expect(looks).toHaveLength(ONE_AT_A_TIME);
    expect(waiting).toHaveLength(ONE_AT_A_TIME);
    for (let done = 0; done < 250; done++) {
      waiting.shift()?.();
      await clock.advance(0);
      expect(waiting.length).toBeLessThanOrEqual(ONE_AT_A_TIME);
    }
    expect(new Set(looks.map(({ jobId }) => jobId)).size).toBe(250);
    expect(one.size).toBe(0);
  });

  it("looks together at what is due within a tenth of a second, and at what is alone when it is due", async () => {
    const { clock, looks, one } = poller(() => undefined, 1);
    const due = [10, 11, 60, 109, 111, 500, 700];
    for (const at of due) one.plan(of(`at ${at}`), at);
    await clock.advance(1_000);
    expect(looks.map(({ at }) => at)).toEqual([10, 110, 110, 110, 210, 500, 700]);
    expect(looks.map(({ jobId }) => jobId)).toEqual(due.map((at) => `at ${at}`));
  });

  it("wakes up ten times a second at most, however many jobs there are", async () => {
    const { clock, looks, one } = poller(() => 5_000, 1);
    for (let i = 0; i < 2_000; i++) one.plan(of(`job-${i}`), i * 2.5);
    await clock.advance(10_000);
    expect(looks.length).toBeGreaterThan(3_900);
    expect(new Set(looks.map(({ at }) => at)).size).toBeLessThanOrEqual(101);
    const waited = looks.slice(0, 2_000).map(({ at }, index) => at - index * 2.5);
    expect(Math.max(...waited)).toBeLessThanOrEqual(100);
  });

  it("looks at once at what it is told to look at now, whenever the next round is", async () => {
    const { clock, looks, one } = poller(() => undefined, 1);
    one.plan(of("due"), 50);
    await clock.advance(50);
    one.plan(of("later"), 10);
    one.plan(of("now"), 0);
    await clock.advance(0);
    await settle();
    expect(looks.map(({ jobId }) => jobId)).toEqual(["due", "now"]);
    await clock.advance(100);
    expect(looks.map(({ jobId }) => jobId)).toEqual(["due", "now", "later"]);
  });

  it("wakes up more often where time runs faster", async () => {
    const { clock, looks, one } = poller(() => undefined, 0.01);
    for (const at of [1, 1.5, 2.5]) one.plan(of(`at ${at}`), at);
    await clock.advance(10);
    expect(looks.map(({ at }) => at)).toEqual([1, 2, 3]);
  });

  it("does nothing any more once it is stopped", async () => {
    const { clock, looks, one } = poller(() => 10);
    one.plan(of("a"), 100);
    await clock.advance(150);
    const before = looks.length;
    one.stop();
    one.plan(of("b"), 1);
    await clock.advance(1_000);
    expect(looks).toHaveLength(before);
    expect(clock.pending).toBe(0);
  });

  it("stopped in the middle of a look, stays stopped", async () => {
    let finish = () => {};
    const { clock, looks, one } = poller(
      () =>
        new Promise((resolve) => {
          finish = () => resolve(10);
        }),
    );
    one.plan(of("a"), 1);
    await clock.advance(1);
    one.stop();
    finish();
    await settle();
    await clock.advance(1_000);
    expect(looks).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});

describe("more jobs than can be looked at as often as one", () => {
  it("are looked at a thousand times a second, each as often as every other", async () => {
    const { clock, looks, one } = poller(() => 5_000, 1);
    for (let i = 0; i < 20_000; i++) one.plan(of(`job-${i}`), 0);
    await clock.advance(25_000);
    expect(looks.length / 25).toBeGreaterThan(1_000);
    expect(looks.length / 25).toBeLessThanOrEqual(ONE_AT_A_TIME * 10 + 10);
    const pauses = pausesBetween(looks, /./);
    // Twenty thousand at 1,040 a second.
    expect(Math.min(...pauses)).toBeGreaterThan(19_000);
    expect(Math.max(...pauses)).toBeLessThan(20_000);
  });

  it("of one owner leave another's as often as they would be looked at alone", async () => {
    const { clock, looks, one } = poller(() => 5_000, 1);
    for (let i = 0; i < 20_000; i++) one.plan(of(`greedy-${i}`, "greedy"), 0);
    for (let i = 0; i < 20; i++) one.plan(of(`modest-${i}`, "modest"), i * 100);
    await clock.advance(20_000);
    expect(Math.max(...pausesBetween(looks, /^modest/))).toBeLessThanOrEqual(5_200);
    expect(looks.length / 20).toBeLessThanOrEqual(ALL_AT_A_TIME * 10 + 10);
  });

  it("wait for one of which is said that there is something to see", async () => {
    const { clock, looks, one } = poller(
      () => 5_000,
      1,
      (jobId) => jobId === "told",
    );
    for (let i = 0; i < 20_000; i++) one.plan(of(`job-${i}`), 0);
    await clock.advance(3_000);
    one.plan(of("told"), 0);
    await clock.advance(100);
    expect(looks.find(({ jobId }) => jobId === "told")?.at).toBeLessThanOrEqual(3_100);
    // Once, and then with all others.
    expect(looks.filter(({ jobId }) => jobId === "told")).toHaveLength(1);
  });

  it("may all be planned anew while they wait, and each is looked at once", async () => {
    const { clock, looks, one } = poller(() => undefined, 1);
    for (let i = 0; i < 12_000; i++) one.plan(of(`job-${i}`), 0);
    await clock.advance(0);
    for (let i = 0; i < 12_000; i++) one.plan(of(`job-${i}`), 2_000);
    await clock.advance(20_000);
    // Those that were under way have two.
    expect(looks).toHaveLength(12_000 + ONE_AT_A_TIME);
    expect(one.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("have as few a second where each look takes longer than a round", async () => {
    const ends: (() => void)[] = [];
    const { clock, looks, one } = poller(
      () => new Promise((resolve) => ends.push(() => resolve(undefined))),
      1,
    );
    for (let i = 0; i < 1_000; i++) one.plan(of(`job-${i}`), 0);
    await clock.advance(1_000);
    expect(looks).toHaveLength(ONE_AT_A_TIME);
    for (const end of ends.splice(0, 10)) end();
    await clock.advance(0);
    // The round in which they began is long over.
    expect(looks).toHaveLength(ONE_AT_A_TIME + 10);
    expect(clock.pending).toBe(0);
  });
});
