import { describe, expect, it } from "vitest";
import type { Caller } from "../../src/core/caller.ts";
import { AppError } from "../../src/core/errors.ts";
import { newJobId } from "../../src/core/ids.ts";
import type { Job, WholeJob } from "../../src/jobs/job.ts";
import type { Draft, Send, StartableKind, StartWishes } from "../../src/jobs/job-kind.ts";
import { NO_LIMITS } from "../../src/jobs/record.ts";
import { move } from "../../src/jobs/transitions.ts";
import {
  CALLER,
  leftJob,
  OWNER,
  openRig,
  type Rig,
  type RigParts,
  recordJob,
} from "../support/rig.ts";

const GONE = "gone";
/** Nothing is listening there, and nothing is sent there. */
const NOWHERE = "http://127.0.0.1:9";

interface SumRequest extends StartWishes {
  numbers: number[];
}

/** A kind of job that the program has never heard of: it adds up. */
class Sums implements StartableKind<SumRequest> {
  readonly operations = ["sum"];
  readonly baseUrl = NOWHERE;
  readonly recoversAt = undefined;
  readonly timeScale = 1 / 2_000;
  readonly #parts: RigParts;
  /** What it was told to do, in order. */
  readonly told: string[] = [];
  /** What comes of each try, the next one first; taken when there is none. */
  readonly tries: ("not taken" | "uncertain")[] = [];
  refusal: AppError | undefined;

  constructor(parts: RigParts) {
    this.#parts = parts;
  }

  async draft(_caller: Caller, { numbers, saveTo }: SumRequest): Promise<Draft> {
    return {
      plan: {
        jobId: newJobId(),
        operation: "sum",
        threadId: null,
        input: { numbers },
        wire: { numbers },
        identity: numbers,
        saveTo: saveTo ?? null,
        charge: "none",
        reservedUsd: 0,
        warnings: [],
      },
      limits: NO_LIMITS,
      check: async () => {
        this.told.push("check");
        if (this.refusal) throw this.refusal;
      },
      outline: async () => ({
        ...{ url: "https://sums.example/add", body: numbers, files: [], refusals: [] },
      }),
      keep: async () => {
        this.told.push("keep");
      },
      over: async (isRecorded) => {
        this.told.push(isRecorded ? "recorded" : "discarded");
      },
    };
  }

  async load(): Promise<Send> {
    this.told.push("load");
    return async (submitting) => {
      const onDisk = await this.#parts.store.get(submitting.owner, submitting.jobId);
      this.told.push(`send while ${onDisk?.state}`);
      const outcome = this.tries.shift();
      if (outcome === "not taken") return { notTaken: new AppError("rate_limited", "Full.") };
      return { job: await this.#move(submitting, outcome === undefined ? "running" : "unknown") };
    };
  }

  follow(running: Job, soon: boolean, goOn: (job: Job) => void): void {
    this.told.push(soon ? "follow soon" : "follow");
    void this.#move(running, "downloading").then(goOn);
  }

  async collect(downloading: Job): Promise<void> {
    this.told.push("collect");
    await this.#move(downloading, "completed");
  }

  async recover(left: Job): Promise<Job | undefined> {
    this.told.push(`recover ${left.state}`);
    return left;
  }

  async restore(completed: WholeJob): Promise<WholeJob> {
    this.told.push("restore");
    return completed;
  }

  async withdrawn(cancelled: Job): Promise<void> {
    this.told.push(`withdrawn ${cancelled.state}`);
  }

  keepOnly(): void {}

  stop(): string[] {
    this.told.push("stop");
    return [];
  }

  async #move(job: Job, state: Job["state"]): Promise<Job> {
    return (await move(this.#parts, job, state, {})) ?? job;
  }
}

async function openSums(before?: Partial<WholeJob>): Promise<{ rig: Rig; sums: Sums; left: Job }> {
  const left = leftJob({ operation: "sum", baseUrl: NOWHERE, ...before });
  const made: Sums[] = [];
  const rig = await openRig({
    origin: NOWHERE,
    isGone: (holder) => holder === GONE,
    before: async (store) => (before ? recordJob(store, left, GONE) : undefined),
    kind: (parts) => {
      const kind = new Sums(parts);
      made.push(kind);
      return kind;
    },
  });
  const [sums] = made;
  if (!sums) expect.fail("no kind was made");
  return { rig, sums, left };
}

const states = (rig: Rig, job: Job) =>
  rig.seen.filter(({ jobId }) => jobId === job.jobId).map(({ state }) => state);

describe("a kind of job that nobody has heard of", () => {
  it("goes the way of every job", async () => {
    const { rig, sums } = await openSums();
    const { job } = await rig.runner.start(sums, CALLER, { numbers: [1, 2] });
    const ended = await rig.reached(job, "completed");
    await rig.runner.restore(ended);
    await rig.close();
    expect(states(rig, job)).toEqual([
      ...["queued", "submitting", "running", "downloading", "completed"],
    ]);
    expect(sums.told.toSorted()).toEqual([
      ...["check", "collect", "follow", "keep", "load", "recorded", "restore"],
      ...["send while submitting", "stop"],
    ]);
  });

  it("is sent again only while it was not taken", async () => {
    const { rig, sums } = await openSums();
    sums.tries.push("not taken", "not taken", "uncertain");
    const { job } = await rig.runner.start(sums, CALLER, { numbers: [3] });
    await rig.reached(job, "unknown");
    await rig.close();
    expect(sums.told.filter((one) => one.startsWith("send"))).toHaveLength(3);
  });

  it("is recorded once for a call that is repeated, and not at all where it is refused", async () => {
    const { rig, sums } = await openSums();
    const first = await rig.runner.start(sums, CALLER, { numbers: [4] });
    const again = await rig.runner.start(sums, CALLER, { numbers: [4] });
    expect(again).toMatchObject({ isDuplicate: true, job: { jobId: first.job.jobId } });
    sums.refusal = new AppError("over_budget", "Too much.");
    const refused = rig.runner.start(sums, CALLER, { numbers: [5] });
    await expect(refused).rejects.toMatchObject({ code: "over_budget" });
    expect(sums.told.filter((one) => one === "recorded")).toHaveLength(1);
    expect(sums.told.filter((one) => one === "discarded")).toHaveLength(2);
    const { jobs } = await rig.runner.list({ owner: OWNER, limit: 10 });
    expect(jobs).toHaveLength(1);
  });

  it.each<[Job["state"], string]>([
    ["queued", "load"],
    ["running", "follow soon"],
    ["downloading", "collect"],
  ])("goes on after a process that is gone, if it was %s", async (state, told) => {
    const { rig, sums, left } = await openSums({ state });
    await rig.reached(left, "completed");
    expect(sums.told.slice(0, 2)).toEqual([`recover ${state}`, told]);
  });

  it("hears that it was cancelled before it was sent", async () => {
    const { rig, sums } = await openSums();
    sums.tries.push(...Array.from({ length: 1_000 }, () => "not taken" as const));
    const { job } = await rig.runner.start(sums, CALLER, { numbers: [6] });
    for (;;) {
      await rig.reached(job, "queued");
      if ((await rig.runner.cancel(OWNER, job.jobId)).came === "unsent") break;
    }
    expect((await rig.get(job)).state).toBe("cancelled");
    expect(sums.told).toContain("withdrawn cancelled");
  });
});
