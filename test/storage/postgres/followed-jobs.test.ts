import { describe, expect, it } from "vitest";
import { FollowedJobs } from "../../../src/storage/postgres/followed-jobs.ts";

const row = (fence: number) => ({ job_id: "job_a", fence, lease_holder: "me" });

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

  it("may have a fence that was asked for, until it is known which", () => {
    const followed = new FollowedJobs();
    followed.mayHave("job_a", 7);
    expect(followed.leaseOf("job_a")).toBeUndefined();
    followed.follows({ ...row(0), lease_holder: null }, "me");
    followed.mayHave("job_a", 7);
    expect(followed.leaseOf("job_a")).toEqual({ holder: "me", fences: [0, 7] });
    expect(followed.fenceOf("job_a")).toBe(0);
    expect(followed.isOurs(row(7))).toBe(true);
    followed.follows(row(7));
    expect(followed.leaseOf("job_a")).toEqual({ holder: "me", fences: [7] });
    expect(followed.isOurs(row(0))).toBe(false);
  });
});

describe("doubts", () => {
  it("are taken by one of those who would settle them", () => {
    const followed = new FollowedJobs();
    followed.doubt("job_a", { to: "submitting" });
    followed.doubt("job_b", { to: "queued" });
    expect(followed.inDoubt()).toEqual(["job_a", "job_b"]);
    expect(followed.takeDoubt("job_a")).toEqual({ to: "submitting" });
    expect(followed.takeDoubt("job_a")).toBeUndefined();
    expect(followed.inDoubt()).toEqual(["job_b"]);
  });

  it("of a later try stand for those of earlier ones", () => {
    const followed = new FollowedJobs();
    followed.doubt("job_a", { to: "queued" });
    followed.doubt("job_a", { to: "submitting" });
    expect(followed.takeDoubt("job_a")).toEqual({ to: "submitting" });
    expect(followed.inDoubt()).toEqual([]);
  });
});
