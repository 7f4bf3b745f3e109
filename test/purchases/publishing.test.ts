import { describe, expect, it, onTestFinished } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { accepted, says, scriptedGateway } from "../support/gateway-script.ts";
import { CAT, NO_FILES, OWNER, openRig, until } from "../support/rig.ts";

const MINUTE = 60_000;

describe("a file that the provider is to fetch and that cannot be served", () => {
  it("just now is served later, and the job is sent", async () => {
    const gateway = await scriptedGateway({ submit: [accepted], status: [says("PROCESSING")] });
    let tries = 0;
    const publish = async () => {
      if (++tries < 4) throw new AppError("storage", "The record is away.");
    };
    const rig = await openRig({ origin: gateway.origin, hosting: { ...NO_FILES, publish } });
    const job = await rig.start();
    expect(await rig.reached(job, "running")).toMatchObject({ charge: "reserved" });
    expect(tries).toBe(4);
    expect(gateway.posts).toHaveLength(1);
    expect(rig.events.heldUpBy(job.jobId)).toBeUndefined();
  });

  it("for ten minutes, or is gone, is not bought", async () => {
    const gateway = await scriptedGateway({});
    const clock = new FakeClock();
    let failure = new AppError("storage", "The record is away.");
    const publish = () => Promise.reject(failure);
    const hosting = { ...NO_FILES, publish };
    const rig = await openRig({ origin: gateway.origin, clock, timeScale: 1, hosting });
    const late = await rig.start();
    await clock.advance(9 * MINUTE);
    await settle();
    expect(await rig.get(late)).toMatchObject({ state: "queued" });
    expect(rig.events.heldUpBy(late.jobId)).toContain("away");
    await clock.advance(2 * MINUTE);
    expect(await rig.reached(late, "failed")).toMatchObject({ charge: "none" });
    failure = new AppError("not_found", "A file is gone.");
    const gone = await rig.start(undefined, { ...CAT, prompt: "Another" });
    expect(await rig.reached(gone, "failed")).toMatchObject({
      ...{ charge: "none", error: { code: "not_found" } },
    });
    expect(gateway.posts).toEqual([]);
  });

  it("when the server ends is left for the next one", async () => {
    const gateway = await scriptedGateway({});
    const publish = () => Promise.reject(new AppError("storage", "The record is away."));
    const rig = await openRig({ origin: gateway.origin, hosting: { ...NO_FILES, publish } });
    const job = await rig.start();
    await until(async () => rig.events.heldUpBy(job.jobId) !== undefined, "it waits");
    await rig.close();
    const next = new SqliteJobStore(new Connection(`${rig.folder}/data`));
    onTestFinished(() => next.close());
    expect(await next.get(OWNER, job.jobId)).toMatchObject({ state: "queued", charge: "reserved" });
    expect(gateway.posts).toEqual([]);
  });

  it("just now is tried for no longer once the job is cancelled, whoever cancels it", async () => {
    const gateway = await scriptedGateway({});
    const clock = new FakeClock();
    let tries = 0;
    const publish = async () => {
      tries++;
      throw new AppError("storage", "The record is away.");
    };
    const hosting = { ...NO_FILES, publish };
    const rig = await openRig({ origin: gateway.origin, clock, timeScale: 1, hosting });
    const { origin } = gateway;
    const other = await openRig({ origin, clock, folder: rig.folder, holder: "other" });
    for (const { runner } of [rig, other]) {
      const job = await rig.start();
      await until(() => rig.events.heldUpBy(job.jobId) !== undefined, "it waits");
      expect(await runner.cancel(OWNER, job.jobId)).toMatchObject({ came: "unsent" });
      // What others do is heard of within a second.
      await clock.advance(1_000);
      await rig.quiet();
      const before = tries;
      await clock.advance(11 * MINUTE);
      await rig.quiet();
      expect(tries).toBe(before);
      expect(rig.events.heldUpBy(job.jobId)).toBeUndefined();
      expect(await rig.get(job)).toMatchObject({ state: "cancelled", charge: "none" });
    }
    expect(gateway.posts).toEqual([]);
  });
});
