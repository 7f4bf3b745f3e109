import { describe, expect, it } from "vitest";
import { FollowedJobs } from "../../../src/storage/postgres/followed-jobs.ts";

const row = (fence: number) => ({ job_id: "job_a", fence, state: "running" });

describe("jobs that are followed", () => {
  it("have the fence that they had when they came, and are others' once that has grown", () => {
    const followed = new FollowedJobs();
    expect(followed.fenceOf("job_a")).toBeNull();
    expect(followed.isOurs(row(0))).toBe(false);
    followed.follows(row(0));
    expect(followed.fenceOf("job_a")).toBe(0);
    expect(followed.isOurs(row(0))).toBe(true);
    expect(followed.isOurs(row(1))).toBe(false);
    followed.follows(row(2));
    expect(followed.isOurs(row(2))).toBe(true);
    followed.forget("job_a");
    expect(followed.fenceOf("job_a")).toBeNull();
  });
});

describe("doubts", () => {
  it("are settled by one of those who try", () => {
    const followed = new FollowedJobs();
    followed.doubt("job_a", "submitting");
    const doubt = followed.doubtOf("job_a");
    expect(doubt).toEqual({ to: "submitting" });
    expect(followed.doubts()).toEqual([{ jobId: "job_a", to: "submitting", doubt }]);
    expect(doubt && followed.settle("job_a", doubt)).toBe(true);
    expect(doubt && followed.settle("job_a", doubt)).toBe(false);
    expect(followed.doubts()).toEqual([]);
  });

  it("of a later try are others", () => {
    const followed = new FollowedJobs();
    followed.doubt("job_a", "queued");
    const first = followed.doubtOf("job_a");
    followed.doubt("job_a", "submitting");
    expect(first && followed.settle("job_a", first)).toBe(false);
    expect(followed.doubtOf("job_a")).toEqual({ to: "submitting" });
  });
});
