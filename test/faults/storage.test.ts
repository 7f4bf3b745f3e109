import { describe, expect, test } from "vitest";
import { startSandbox } from "../../src/sandbox/sandbox-server.ts";
import { fillDisk } from "../support/full-store.ts";
import { OWNER, openRig, until } from "../support/rig.ts";

const TURBO = "z_image_turbo_generate";
const BOAT = { prompt: "A small boat at sea", image_size: "square_1_1" };
/** As many writes as the life of a job has, and a few more. */
const STEPS = [0, 1, 2, 3, 4, 5, 6];

async function openBench() {
  const sandbox = await startSandbox({ speed: 200 });
  const rig = await openRig({ origin: sandbox.origin });
  const charges = () => sandbox.requests().filter((one) => one.charged).length;
  return { sandbox, rig, charges };
}

describe("a disk that fills up", () => {
  test.each(STEPS)(
    "after %i writes buys nothing it cannot record, and loses nothing",
    async (n) => {
      const { sandbox, rig, charges } = await openBench();
      try {
        const disk = fillDisk(rig.store, n);
        const started = await rig.start(TURBO, BOAT).catch((error: unknown) => error);
        if (n === 0) {
          expect(started).toMatchObject({ code: "storage" });
          disk.empty();
          await rig.quiet();
          expect(charges()).toBe(0);
          expect((await rig.runner.list({ owner: OWNER, limit: 10 })).jobs).toEqual([]);
          return;
        }
        await rig.quiet();
        // Recorded is acknowledged: nothing was sent that is not on disk.
        expect(charges()).toBeLessThanOrEqual(n === 1 ? 0 : 1);
        disk.empty();
        const [job] = (await rig.runner.list({ owner: OWNER, limit: 10 })).jobs;
        if (!job) throw new Error("the job is lost");
        const done = await rig.reached(job, "completed");
        expect(done).toMatchObject({ charge: "spent" });
        expect(done.media).toHaveLength(1);
        expect(charges()).toBe(1);
      } finally {
        await rig.close();
        await sandbox.close();
      }
    },
  );

  test("while a purchase is being answered, its request id is kept until it can be written", async () => {
    const { sandbox, rig, charges } = await openBench();
    try {
      const disk = fillDisk(rig.store, 2);
      await rig.start(TURBO, BOAT);
      await until(() => charges() === 1);
      await rig.quiet();
      disk.empty();
      const [job] = (await rig.runner.list({ owner: OWNER, limit: 10 })).jobs;
      if (!job) throw new Error("the job is lost");
      const running = await until(async () => {
        const current = await rig.get(job);
        return current.requestId === null ? undefined : current;
      });
      expect(running.requestId).toMatch(/^z-image-turbo-834_/);
    } finally {
      await rig.close();
      await sandbox.close();
    }
  });
});
