import { describe, expect, it } from "vitest";
import type { Job } from "../../src/jobs/job.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { operation } from "../support/operations.ts";
import { json, rawServer } from "../support/raw-server.ts";
import { CALLER, openRig, type Rig, until } from "../support/rig.ts";

const SECOND = 1_000;

/** A gateway that takes so many in a window, by the test's own clock, and refuses all others. */
async function gatewayThatTakes(clock: FakeClock, most: number, windowMs: number) {
  const taken: { owner: string; window: number }[] = [];
  const refused: string[] = [];
  const server = await rawServer((hit, response) => {
    if (hit.method !== "POST") return json(response, 200, { status: "PROCESSING" });
    const owner = /"prompt":"(\w+)/.exec(hit.body)?.[1] ?? "";
    const window = Math.floor(clock.elapsed() / windowMs);
    if (taken.filter((one) => one.window === window).length >= most) {
      refused.push(owner);
      return json(response, 429, { error: "Too Many Requests" }, { "retry-after": "10" });
    }
    taken.push({ owner, window });
    const number = String(taken.length).padStart(12, "0");
    const request_id = `longcat-image-498_019dabcd-0000-7000-8000-${number}`;
    return json(response, 202, { request_id, status: "QUEUED" });
  });
  return { origin: server.origin, taken, refused };
}

async function start(rig: Rig, owner: string): Promise<Job> {
  const one = operation("longcat_image_generate");
  const given = one.prepare({ prompt: `${owner} wants it`, image_size: "square_1_1" });
  const request = { operation: one, given, forceNew: true };
  return (await rig.runner.start(rig.purchases, { ...CALLER, owner }, request)).job;
}

/**
 * A provider that takes `most` jobs in ten seconds, and has refused what was too much of the greedy
 * owner's.
 */
async function besieged(
  most: number,
  jobs: number,
  more: { accountOf?(owner: string): string } = {},
) {
  const clock = new FakeClock();
  const gateway = await gatewayThatTakes(clock, most, 10 * SECOND);
  const rig = await openRig({ origin: gateway.origin, clock, timeScale: 1, ...more });
  for (let n = 0; n < jobs; n++) await start(rig, "greedy");
  await until(() => gateway.refused.length > 0, "what is too many is refused");
  await rig.quiet();
  return { clock, gateway, rig };
}

/** Lets time pass whenever nothing is on its way, until it is so. */
async function passing(clock: FakeClock, rig: Rig, isSo: () => boolean): Promise<void> {
  await until(async () => {
    if (isSo()) return true;
    await rig.quiet();
    await clock.advance(SECOND);
    return false;
  });
}

describe("where the provider refuses more than it takes", () => {
  it("a greedy owner gets no more of what it takes than a modest one", async () => {
    const { clock, gateway, rig } = await besieged(2, 30);
    for (let n = 0; n < 4; n++) await start(rig, "modest");
    const before = gateway.taken.length;
    const modest = () => gateway.taken.filter(({ owner }) => owner === "modest").length;
    await passing(clock, rig, () => modest() === 4);
    // By turns: of what was taken since, the greedy one has had as many, and one more at the most.
    expect(gateway.taken.length - before).toBeLessThanOrEqual(9);
  });

  it("what is refused is not asked for again by each for itself", async () => {
    const { clock, gateway, rig } = await besieged(2, 30);
    const before = gateway.refused.length;
    await passing(clock, rig, () => gateway.taken.length >= 12);
    // One that is let through tells that there is no more room yet, and those who left with it.
    expect(gateway.refused.length - before).toBeLessThanOrEqual(3 * (gateway.taken.length - 2));
  });

  it("whoever waits for the pause is told so, in words that are not about others", async () => {
    const { clock, gateway, rig } = await besieged(0, 1);
    const job = await start(rig, "modest");
    await until(() => rig.runner.heldUpBy(job.jobId), "it is said why it waits");
    expect(rig.runner.heldUpBy(job.jobId)).toContain("sent by turns");
    expect(gateway.refused).toEqual(["greedy"]);
    // It is never sent later than anybody would still expect.
    await clock.advance(700 * SECOND);
    const ended = await until(async () => {
      const now = await rig.runner.get("modest", job.jobId);
      return now.state === "cancelled" ? now : undefined;
    });
    expect(ended).toMatchObject({ charge: "none", error: { code: "rate_limited" } });
    expect(JSON.stringify(ended)).not.toContain("greedy");
  });

  it("the refusals of one key hold up nobody who has another", async () => {
    const { gateway, rig } = await besieged(0, 1, { accountOf: (owner) => owner });
    await start(rig, "modest");
    await until(() => gateway.refused.includes("modest"), "it is sent at once");
  });

  it("a job that is called off while all wait is never sent, and the server ends at once", async () => {
    const { gateway, rig } = await besieged(0, 1);
    const job = await start(rig, "modest");
    await until(() => rig.runner.heldUpBy(job.jobId));
    await rig.runner.cancel("modest", job.jobId);
    // No time passes: what waits must not be waited for.
    await rig.close();
    expect(gateway.refused).toEqual(["greedy"]);
  });
});
