import { describe, expect, it } from "vitest";
import { Poller } from "../../src/purchases/poller.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

const ONE_AT_A_TIME = 96;

const of = (jobId: string, owner = "anna") => ({ jobId, owner });

function poller(
  look: (jobId: string) => number | undefined | Promise<number | undefined>,
  timeScale = 0,
) {
  const clock = new FakeClock();
  const looks: { jobId: string; at: number }[] = [];
  const noted = async (jobId: string) => {
    looks.push({ jobId, at: clock.elapsed() });
    return look(jobId);
  };
  return { clock, looks, one: new Poller(clock, noted, timeScale) };
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
