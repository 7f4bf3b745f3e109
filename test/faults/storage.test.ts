import { describe, expect, test } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import type { JobStore } from "../../src/jobs/store.ts";
import { startSandbox } from "../../src/sandbox/server.ts";
import { OWNER, openRig, type Rig, until } from "../support/rig.ts";

const TURBO = "z_image_turbo_generate";
const BOAT = { prompt: "A small boat at sea", image_size: "square_1_1" };
const WRITES = ["admit", "transition", "patch", "beat"] as const satisfies (keyof JobStore)[];
/** As many writes as the life of a job has, and a few more. */
const STEPS = [0, 1, 2, 3, 4, 5, 6];

/** A disk that is full from the n-th write of the job database on, until it is emptied. */
function fillDisk(rig: Rig, afterWrites: number): { empty: () => void } {
  let writes = 0;
  let isFull = true;
  for (const method of WRITES) {
    const real = Reflect.get<object, string>(rig.store, method);
    Reflect.set(rig.store, method, async (...args: unknown[]) => {
      if (isFull && writes++ >= afterWrites) {
        throw new AppError("storage", "The job database cannot be used: database or disk is full.");
      }
      return Reflect.apply(real, rig.store, args);
    });
  }
  return {
    empty: () => {
      isFull = false;
    },
  };
}

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
        const disk = fillDisk(rig, n);
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
      const disk = fillDisk(rig, 2);
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
