import { describe, expect, it, vi } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import {
  completed,
  file,
  http,
  REQUEST_ID,
  type Reply,
  reset,
  says,
  scriptedGateway,
} from "../support/gateway-script.ts";
import { picture } from "../support/pictures.ts";
import { OWNER, openRig, type Rig, until } from "../support/rig.ts";

const SECOND = 1_000;

const MINUTE = 60 * SECOND;

const DAY = 24 * 60 * MINUTE;

/** A running job on a clock of the test's own, before the first look at it. */
async function running(status: Reply[], media: Reply[] = [http(404)]) {
  const clock = new FakeClock();
  const gateway = await scriptedGateway({ status, media });
  const rig = await openRig({ origin: gateway.origin, clock, timeScale: 1 });
  const job = await rig.reached(await rig.start(), "running");
  return { clock, gateway, rig, job };
}

/** Lets the next look happen, and gives the time until it was made. */
async function nextLook(
  { clock, gateway, rig }: { clock: FakeClock; gateway: { looks: unknown[] }; rig: Rig },
  step = SECOND / 2,
): Promise<number> {
  const before = gateway.looks.length;
  const since = clock.elapsed();
  await until(async () => {
    await rig.quiet();
    if (gateway.looks.length > before) return true;
    await clock.advance(step);
    return false;
  });
  return clock.elapsed() - since;
}

describe("how a job is looked at", () => {
  it("first after its own pace, then every 5 to 10 s", async () => {
    const one = await running([says("PROCESSING")]);
    const pauses: number[] = [];
    for (let i = 0; i < 8; i++) pauses.push(await nextLook(one));
    expect(pauses[0]).toBeGreaterThanOrEqual(4.5 * SECOND);
    for (const pause of pauses.slice(1)) {
      expect(pause).toBeGreaterThanOrEqual(4.5 * SECOND);
      expect(pause).toBeLessThanOrEqual(11.5 * SECOND);
    }
    expect(pauses.at(-1)).toBeGreaterThan(9 * SECOND);
  });

  it.each<[string, Reply]>([
    ["401", http(401)],
    ["403", http(403)],
    ["500", http(500)],
    ["503", http(503)],
    ["a reset", reset],
    ["a page", http(200, "<html></html>")],
    ["a redirect", http(302, "", { location: "http://elsewhere.example/" })],
  ])("slower while the answer is %s, and the job goes on", async (_what, fault) => {
    const one = await running(
      [fault, fault, fault, says("PROCESSING"), completed("a.png")],
      [file(await picture())],
    );
    await nextLook(one);
    const pauses = [await nextLook(one), await nextLook(one)];
    expect(pauses[0]).toBeGreaterThanOrEqual(9 * SECOND);
    expect(pauses[1]).toBeGreaterThanOrEqual(18 * SECOND);
    const troubled = await one.rig.get(one.job);
    expect(troubled).toMatchObject({ state: "running", charge: "reserved", error: null });
    expect(troubled.upstreamStatus).toContain("cannot be asked");
    await nextLook(one);
    expect((await one.rig.get(one.job)).upstreamStatus).toBe("PROCESSING");
    expect(await nextLook(one)).toBeLessThanOrEqual(6 * SECOND);
    await one.rig.reached(one.job, "completed");
    expect(one.gateway.posts).toHaveLength(1);
  });

  it("not before a 429 wants it", async () => {
    const one = await running([http(429, "", { "retry-after": "45" }), says("PROCESSING")]);
    await nextLook(one);
    expect(await nextLook(one)).toBeGreaterThanOrEqual(45 * SECOND);
  });

  it("patiently while its id is new to the gateway", async () => {
    const one = await running([http(404), http(404), completed("a.png")], [file(await picture())]);
    await nextLook(one);
    expect((await one.rig.get(one.job)).upstreamStatus).toBeNull();
    expect(await nextLook(one)).toBeLessThanOrEqual(6 * SECOND);
    await nextLook(one);
    await one.rig.reached(one.job, "completed");
  });

  it("slower once an old id is not known, without giving up", async () => {
    const one = await running([http(404)]);
    while (one.clock.elapsed() < 40 * SECOND) await nextLook(one);
    await nextLook(one);
    expect(await one.rig.get(one.job)).toMatchObject({
      state: "running",
      upstreamStatus: "cannot be asked (not_found)",
    });
    expect(await nextLook(one)).toBeGreaterThanOrEqual(18 * SECOND);
  });

  it("for seven days, after which nobody can say what became of it", async () => {
    const one = await running([says("PROCESSING")]);
    await nextLook(one);
    one.clock.sleep(7 * DAY - MINUTE);
    await nextLook(one, 5 * SECOND);
    expect((await one.rig.get(one.job)).state).toBe("running");
    one.clock.sleep(MINUTE);
    await nextLook(one, 5 * SECOND);
    expect(await one.rig.reached(one.job, "unknown")).toMatchObject({
      charge: "uncertain",
      error: { code: "outcome_unknown" },
    });
  });

  it("after seven days too, while nobody can be asked", async () => {
    const one = await running([http(503), http(503), completed("a")]);
    one.clock.sleep(8 * DAY);
    await nextLook(one, 5 * SECOND);
    await nextLook(one);
    expect((await one.rig.get(one.job)).state).toBe("running");
    await nextLook(one);
    await one.rig.reached(one.job, "downloading");
  });

  it("anew, when the request id of a job that was given up is named again", async () => {
    const one = await running([says("PROCESSING")]);
    one.clock.sleep(8 * DAY);
    await nextLook(one, 5 * SECOND);
    const { jobId } = await one.rig.reached(one.job, "unknown");
    for (const name of [
      () => one.rig.adoption.findOrAdopt(OWNER, REQUEST_ID),
      () => one.rig.adoption.attach(OWNER, jobId, REQUEST_ID),
    ]) {
      expect(await name()).toMatchObject({ jobId, state: "running", charge: "reserved" });
    }
    await nextLook(one);
  });

  it("without saying for ever that a look failed", async () => {
    const one = await running([says("PROCESSING")]);
    await nextLook(one);
    await settle();
    one.rig.events.holdUp(one.job.jobId, "the disk is full");
    await nextLook(one);
    await settle();
    expect(one.rig.events.heldUpBy(one.job.jobId)).toBeUndefined();
  });

  it("and tells what was said before a look failed when it is said again", async () => {
    const one = await running([says("PROCESSING"), http(500), says("PROCESSING")]);
    const told: (string | null)[] = [];
    for (let look = 0; look < 3; look++) {
      await nextLook(one);
      await settle();
      told.push((await one.rig.get(one.job)).upstreamStatus);
    }
    expect(told).toEqual(["PROCESSING", expect.stringContaining("cannot be asked"), "PROCESSING"]);
  });

  it("and records what was said when it is said again, if the disk was full the first time", async () => {
    const one = await running([says("QUEUED"), says("PROCESSING"), says("PROCESSING")]);
    await nextLook(one);
    await settle();
    const patch = vi.spyOn(one.rig.store, "patch");
    patch.mockRejectedValueOnce(new AppError("storage", "The disk is full."));
    await nextLook(one);
    await settle();
    expect((await one.rig.get(one.job)).upstreamStatus).toBe("QUEUED");
    expect(one.rig.events.heldUpBy(one.job.jobId)).toBe("The disk is full.");
    await nextLook(one);
    await settle();
    expect((await one.rig.get(one.job)).upstreamStatus).toBe("PROCESSING");
    expect(one.rig.events.heldUpBy(one.job.jobId)).toBeUndefined();
  });
});

describe("a clock that is set", () => {
  it.each([
    ["forward", 30 * DAY],
    ["back", -30 * DAY],
  ])("%s neither ends a job nor stops the looks", async (_direction, ms) => {
    const one = await running([says("PROCESSING"), says("PROCESSING"), completed("a")]);
    await nextLook(one);
    one.clock.jump(ms);
    expect(await nextLook(one)).toBeLessThanOrEqual(11 * SECOND);
    expect((await one.rig.get(one.job)).state).toBe("running");
    await nextLook(one);
    expect(await one.rig.reached(one.job, "downloading")).toMatchObject({ charge: "reserved" });
    expect(one.gateway.posts).toHaveLength(1);
  });
});

describe("what the provider has accepted", () => {
  it("cannot be cancelled, and goes on", async () => {
    const gateway = await scriptedGateway({});
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.reached(await rig.start(), "running");
    expect(await rig.runner.cancel(OWNER, job.jobId)).toMatchObject({
      came: "too_late",
      job: { state: "running", charge: "reserved" },
    });
    await expect(rig.runner.cancel(OWNER, "job_none")).rejects.toMatchObject({ code: "not_found" });
    await expect(rig.runner.cancel("somebody", job.jobId)).rejects.toMatchObject({
      code: "not_found",
    });
  });
});

describe("waiting for a job", () => {
  it("ends with the job", async () => {
    const gateway = await scriptedGateway({ status: [says("ERROR")] });
    const rig = await openRig({ origin: gateway.origin });
    const states: string[] = [];
    const job = await rig.start();
    const waited = await rig.runner.wait(job, {
      ms: 60 * SECOND,
      onChange: ({ state }) => states.push(state),
    });
    expect(waited.state).toBe("errored");
    expect(states.at(-1)).toBe("errored");
  });

  it("ends at once for a job that has ended", async () => {
    const gateway = await scriptedGateway({ submit: [http(400)] });
    const clock = new FakeClock();
    const rig = await openRig({ origin: gateway.origin, clock });
    const ended = await rig.reached(await rig.start(), "failed");
    expect((await rig.runner.wait(ended, { ms: MINUTE })).state).toBe("failed");
  });

  it("ends with its time, and the job goes on", async () => {
    const { clock, rig, job } = await running([says("PROCESSING")]);
    let over = false;
    const wait = rig.runner.wait(job, { ms: 3 * SECOND }).then((current) => {
      over = true;
      return current;
    });
    await clock.advance(3 * SECOND - 1);
    expect(over).toBe(false);
    await clock.advance(1);
    expect((await wait).state).toBe("running");
  });

  it("ends with the caller, and the job goes on", async () => {
    const { clock, gateway, rig, job } = await running([says("ERROR")]);
    const caller = new AbortController();
    const wait = rig.runner.wait(job, { ms: MINUTE, signal: caller.signal });
    const gone = rig.runner.wait(job, { ms: MINUTE, signal: AbortSignal.abort() });
    caller.abort();
    expect((await wait).state).toBe("running");
    expect((await gone).state).toBe("running");
    await nextLook({ clock, gateway, rig });
    await rig.reached(job, "errored");
    expect(gateway.posts).toHaveLength(1);
  });

  it("leaves no timer behind", async () => {
    const { clock, rig, job } = await running([says("PROCESSING")]);
    const before = clock.pending;
    const caller = new AbortController();
    const wait = rig.runner.wait(job, { ms: MINUTE, signal: caller.signal });
    expect(clock.pending).toBe(before + 1);
    caller.abort();
    await wait;
    expect(clock.pending).toBe(before);
  });
});
