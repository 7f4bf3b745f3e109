import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { canBecome, isFinal, JOB_STATES, type JobState } from "../../src/jobs/job.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { leftJob, OWNER, recordJob } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

const next = (state: JobState) => JOB_STATES.filter((to) => canBecome(state, to));

/** Every state that can follow, in any number of steps. */
function reachable(from: JobState): Set<JobState> {
  const found = new Set<JobState>();
  const visit = (state: JobState) => {
    for (const to of next(state)) {
      if (found.has(to)) continue;
      found.add(to);
      visit(to);
    }
  };
  visit(from);
  return found;
}

describe("the life of a job", () => {
  it("can reach every state from its record", () => {
    expect(new Set([...reachable("queued"), "queued"])).toEqual(new Set(JOB_STATES));
  });

  it("takes the way of a good job", () => {
    const way = ["queued", "submitting", "running", "downloading", "completed"] as const;
    for (const [step, state] of way.slice(0, -1).entries()) {
      expect(canBecome(state, way[step + 1] ?? "unknown")).toBe(true);
    }
  });

  it("never leads back to a purchase once one may have been accepted", () => {
    for (const state of ["running", "downloading", "completed", "failed", "unknown"] as const) {
      expect(reachable(state)).not.toContain("queued");
      expect(reachable(state)).not.toContain("submitting");
    }
  });

  it("is sent again only after a refused try", () => {
    expect(JOB_STATES.filter((state) => canBecome(state, "queued"))).toEqual(["submitting"]);
    expect(JOB_STATES.filter((state) => canBecome(state, "submitting"))).toEqual(["queued"]);
  });

  it("is completed only by downloading", () => {
    expect(JOB_STATES.filter((state) => canBecome(state, "completed"))).toEqual(["downloading"]);
  });

  it("ends where nothing follows, but what is unknown can be found, and what could not be kept fetched", () => {
    const goesOn = JOB_STATES.filter((state) => isFinal(state) && next(state).length > 0);
    expect(goesOn.map((state) => [state, next(state)])).toEqual([
      ["failed", ["downloading"]],
      ["unknown", ["running", "downloading"]],
    ]);
    for (const state of JOB_STATES.filter((one) => !isFinal(one)))
      expect(next(state)).not.toEqual([]);
  });

  it("is cancelled only before anything has come of it", () => {
    const cancellable = JOB_STATES.filter((state) => canBecome(state, "cancelled"));
    expect(cancellable).toEqual(["queued", "submitting", "running"]);
  });

  it("moves in the store only as declared, from the state it is really in", async () => {
    const store = new SqliteJobStore(new Connection(await tempDir()));
    onTestFinished(() => store.close());
    const state = fc.constantFrom(...JOB_STATES);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(state, state), { maxLength: 12 }), async (steps) => {
        const job = leftJob({ baseUrl: "https://a.example" });
        await recordJob(store, job, "me");
        let current: JobState = "queued";
        for (const [from, to] of steps) {
          const moved = await store
            .transition(OWNER, job.jobId, { from, to, patch: {}, now: 1 })
            .catch((error: unknown) => error);
          if (!canBecome(from, to)) expect(moved).toMatchObject({ code: "internal" });
          else if (from !== current) expect(moved).toBeUndefined();
          else {
            expect(moved).toMatchObject({ state: to });
            current = to;
          }
          expect((await store.get(OWNER, job.jobId))?.state).toBe(current);
        }
      }),
      { numRuns: 50 },
    );
  });
});
