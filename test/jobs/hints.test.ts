import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Job } from "../../src/jobs/job.ts";
import { Leases, LOCAL_LEASE_TIMES, SHARED_LEASE_TIMES } from "../../src/jobs/leases.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { scriptedGateway } from "../support/gateway-script.ts";
import { leftJob, OWNER, openRig, recordJob } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

const SECOND = 1_000;

/** Somebody who shares a folder with others, and hears of them by hints where these are given. */
async function sharing(times = SHARED_LEASE_TIMES) {
  const { origin } = await scriptedGateway({});
  const { context, purchases } = await openRig({ origin });
  const folder = join(await tempDir(), "data");
  const open = () => {
    const store = new SqliteJobStore(new Connection(folder));
    onTestFinished(() => store.close());
    return store;
  };
  const [store, other] = [open(), open()];
  const clock = new FakeClock();
  const listeners = new Set<() => void>();
  const recovered: string[] = [];
  const heard: string[] = [];
  const looks = { count: 0, isAway: false };
  const changes = store.changes.bind(store);
  store.changes = async () => {
    looks.count++;
    if (looks.isAway) throw new Error("away");
    return changes();
  };
  const leases = new Leases(
    {
      ...{ ...context, store, clock, holder: "me", leaseTimes: times },
      kinds: { named: [], other: purchases },
      keepJobsDays: undefined,
      removeFile: async () => {},
      isGone: () => false,
      onHint: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    { recover: ({ jobId }: Job) => recovered.push(jobId), keepOnly: () => {} },
  );
  context.events.subscribe(OWNER, ({ jobId }) => heard.push(jobId));
  const add = async (holder: string) => {
    const job = leftJob({ baseUrl: origin, state: "running" });
    await recordJob(other, job, holder);
    return job.jobId;
  };
  const hint = async () => {
    for (const listener of listeners) listener();
    await settle();
  };
  /** What is left of a holder once somebody has taken some of its jobs. */
  const takenFrom = (holder: string) => {
    const connection = new Connection(folder);
    connection.run("DELETE FROM holders WHERE holder = ?", [holder]);
    connection.close();
  };
  await leases.open();
  onTestFinished(() => leases.close());
  return { leases, clock, other, looks, heard, recovered, listeners, add, hint, takenFrom };
}

describe("a hint that others have changed something", () => {
  it("is looked at at once, and told to whoever listens", async () => {
    const { add, hint, heard } = await sharing();
    const jobId = await add("other");
    expect(heard).toEqual([]);
    await hint();
    expect(heard).toEqual([jobId]);
    await hint();
    expect(heard).toEqual([jobId]);
  });

  it("may be missing: what was changed is found within a second", async () => {
    const { add, clock, heard } = await sharing();
    const jobId = await add("other");
    await clock.advance(SHARED_LEASE_TIMES.watchMs);
    expect(heard).toEqual([jobId]);
    expect(SHARED_LEASE_TIMES.watchMs).toBeLessThanOrEqual(SECOND);
  });

  it("is one of many that come together, for which one look is enough", async () => {
    const { looks, hint, listeners } = await sharing();
    const before = looks.count;
    for (let n = 0; n < 50; n++) for (const listener of listeners) listener();
    await hint();
    expect(looks.count - before).toBeLessThanOrEqual(2);
  });

  it("ends nothing when it cannot be looked at", async () => {
    const { add, looks, hint, clock, heard } = await sharing();
    looks.isAway = true;
    const jobId = await add("other");
    await hint();
    await clock.advance(5 * SECOND);
    expect(heard).toEqual([]);
    looks.isAway = false;
    await hint();
    expect(heard).toEqual([jobId]);
  });

  it("comes to nobody any more once all is closed", async () => {
    const { leases, listeners, looks, clock } = await sharing();
    expect(listeners.size).toBe(1);
    leases.close();
    expect(listeners.size).toBe(0);
    const before = looks.count;
    await clock.advance(60 * SECOND);
    expect(looks.count).toBe(before);
  });
});

describe("a process elsewhere that shows no life", () => {
  /** Time goes by in small steps, while somebody else shows life as long as they do. */
  async function pass(ms: number, clock: FakeClock, beat?: () => Promise<unknown>) {
    for (let left = ms; left > 0; left -= SECOND) {
      await beat?.();
      await clock.advance(SECOND);
    }
  }

  it("keeps its jobs as long as it shows that it lives", async () => {
    const { add, clock, other, recovered } = await sharing();
    await add("other");
    await pass(60 * SECOND, clock, () => other.beat("other"));
    expect(recovered).toEqual([]);
  });

  it("loses them ten seconds later at the earliest, and fifteen at the latest", async () => {
    const { add, clock, other, recovered } = await sharing();
    const jobId = await add("other");
    await pass(20 * SECOND, clock, () => other.beat("other"));
    await pass(9 * SECOND, clock);
    expect(recovered).toEqual([]);
    await pass(6 * SECOND, clock);
    expect(recovered).toEqual([jobId]);
  });

  it("loses the others too where somebody took some of them, and went before taking all", async () => {
    const { add, clock, other, recovered, takenFrom } = await sharing();
    const jobId = await add("other");
    await pass(20 * SECOND, clock, () => other.beat("other"));
    await pass(8 * SECOND, clock);
    takenFrom("other");
    await pass(7 * SECOND, clock);
    expect(recovered).toEqual([jobId]);
  });

  it("lives again where it shows so after somebody took some of its jobs", async () => {
    const { add, clock, other, recovered, takenFrom } = await sharing();
    await add("other");
    await pass(20 * SECOND, clock, () => other.beat("other"));
    await pass(8 * SECOND, clock);
    takenFrom("other");
    await pass(60 * SECOND, clock, () => other.beat("other"));
    expect(recovered).toEqual([]);
  });

  it("is given all of that again by whoever did not run themselves meanwhile", async () => {
    const { add, clock, other, recovered } = await sharing();
    await add("other");
    await pass(20 * SECOND, clock, () => other.beat("other"));
    clock.sleep(300 * SECOND);
    await pass(9 * SECOND, clock);
    expect(recovered).toEqual([]);
    await pass(6 * SECOND, clock);
    expect(recovered).toHaveLength(1);
  });

  it("is given three times as long on one machine, where most ends are seen", async () => {
    const { add, clock, other, recovered } = await sharing(LOCAL_LEASE_TIMES);
    await add("other");
    await pass(20 * SECOND, clock, () => other.beat("other"));
    await pass(29 * SECOND, clock);
    expect(recovered).toEqual([]);
    await pass(20 * SECOND, clock);
    expect(recovered).toHaveLength(1);
  });

  it("has let go of its jobs at an orderly end: they go on with the next look", async () => {
    const { add, clock, other, recovered } = await sharing();
    const jobIds = [await add("other"), await add("other"), await add("other")];
    await other.release("other");
    await pass(SHARED_LEASE_TIMES.beatMs, clock);
    expect(recovered.sort()).toEqual(jobIds.sort());
  });
});
