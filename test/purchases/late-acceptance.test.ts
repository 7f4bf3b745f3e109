import { describe, expect, it, vi } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { FakeClock } from "../support/fake-clock.ts";
import {
  accepted,
  REQUEST_ID,
  type Reply,
  says,
  scriptedGateway,
} from "../support/gateway-script.ts";
import { openRig, until } from "../support/rig.ts";

describe("an acceptance that arrives after another process has taken the job for lost", () => {
  it("is not lost: the job goes on under its request id", async () => {
    const clock = new FakeClock();
    let answer = () => {};
    const late: Reply = (response, hit) => {
      answer = () => accepted(response, hit);
    };
    const gateway = await scriptedGateway({ submit: [late] });
    const rig = await openRig({ origin: gateway.origin, clock });
    const job = await rig.start();
    await until(() => gateway.posts.length === 1);
    // A process that was stopped for so long that another one takes it for gone.
    const isGone = () => true;
    await openRig({ origin: gateway.origin, clock, folder: rig.folder, holder: "other", isGone });
    expect((await rig.get(job)).state).toBe("unknown");
    answer();
    expect(await rig.reached(job, "running")).toMatchObject({
      requestId: REQUEST_ID,
      charge: "reserved",
      error: null,
      completedAt: null,
    });
    expect(gateway.posts).toHaveLength(1);
  });

  it("is not lost either where nobody can look just then how the job stands", async () => {
    let answer = () => {};
    const late: Reply = (response, hit) => {
      answer = () => accepted(response, hit);
    };
    const gateway = await scriptedGateway({ submit: [late], status: [says("PROCESSING")] });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.start();
    await until(() => gateway.posts.length === 1);
    const isGone = () => true;
    const { folder } = rig;
    const other = await openRig({ origin: gateway.origin, folder, holder: "other", isGone });
    expect((await rig.get(job)).state).toBe("unknown");
    const look = vi.spyOn(rig.store, "get");
    const away = new AppError("storage", "The record is away.");
    for (let tries = 0; tries < 4; tries++) look.mockRejectedValueOnce(away);
    answer();
    expect(await other.reached(job, "running")).toMatchObject({
      ...{ requestId: REQUEST_ID, charge: "reserved", error: null },
    });
    expect(look.mock.calls.length).toBeGreaterThan(4);
    expect(gateway.posts).toHaveLength(1);
  });
});
