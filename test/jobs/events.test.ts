import { expect, it } from "vitest";
import { JobEvents } from "../../src/jobs/events.ts";
import { leftJob, summaryOf } from "../support/rig.ts";

const jobOf = (owner: string) =>
  summaryOf(leftJob({ owner, baseUrl: "https://gateway.example", state: "running" }));

it("tells an owner of the owner's own jobs, and the program of all", () => {
  const events = new JobEvents();
  const heard: Record<string, string[]> = { ada: [], ben: [], all: [] };
  events.subscribe("ada", ({ jobId }) => heard["ada"]?.push(jobId));
  events.subscribe("ben", ({ jobId }) => heard["ben"]?.push(jobId));
  events.subscribeToAll(({ jobId }) => heard["all"]?.push(jobId));
  const [adas, bens] = [jobOf("ada"), jobOf("ben")];
  events.publish(adas);
  events.publish(bens);
  expect(heard).toEqual({
    ada: [adas.jobId],
    ben: [bens.jobId],
    all: [adas.jobId, bens.jobId],
  });
});

it("tells whoever works on a job of that one alone, and of no other owner's", () => {
  const events = new JobEvents();
  const heard: string[] = [];
  const [job, other] = [jobOf("ada"), jobOf("ada")];
  const end = events.subscribeToJob(job, ({ state }) => heard.push(state));
  events.subscribeToJob({ ...job, owner: "ben" }, () => heard.push("ben's"));
  events.publish(other);
  events.publish(job);
  events.publish({ ...job, state: "cancelled" });
  end();
  events.publish(job);
  expect(heard).toEqual(["running", "cancelled"]);
});

it("ends one subscription of an owner and leaves the others", () => {
  const events = new JobEvents();
  const heard: string[] = [];
  const endFirst = events.subscribe("ada", () => heard.push("first"));
  const endSecond = events.subscribe("ada", () => heard.push("second"));
  endFirst();
  events.publish(jobOf("ada"));
  endSecond();
  events.publish(jobOf("ada"));
  events.subscribe("ada", () => heard.push("third"));
  endSecond();
  events.publish(jobOf("ada"));
  expect(heard).toEqual(["second", "third"]);
});

it("knows what the program does about a job until all of it is done", async () => {
  const events = new JobEvents();
  const ends: (() => void)[] = [];
  events.subscribeToAll(() => undefined);
  const [job, other] = [jobOf("ada"), jobOf("ada")];
  events.publish(other);
  expect(events.workOn(other.jobId)).toBeUndefined();
  events.subscribeToAll(() => new Promise<void>((resolve) => ends.push(resolve)));
  for (let changes = 0; changes < 2; changes++) events.publish(job);
  let isDone = false;
  const done = events.workOn(job.jobId)?.then(() => {
    isDone = true;
  });
  ends[1]?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect(isDone).toBe(false);
  ends[0]?.();
  await done;
  await new Promise((resolve) => setImmediate(resolve));
  expect(events.workOn(job.jobId)).toBeUndefined();
});
