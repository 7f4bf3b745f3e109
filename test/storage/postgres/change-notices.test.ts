import { describe, expect, it } from "vitest";
import { ChangeNotices } from "../../../src/storage/postgres/change-notices.ts";
import { databaseAddress } from "../../../src/storage/postgres/database-address.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** Notices of a process that tells and does not listen, and what it has told, an array for each. */
function teller(isAway = () => false) {
  const clock = new FakeClock();
  const told: string[][] = [];
  const db = {
    async all(_sql: string, [channel, payload]: readonly unknown[]) {
      if (isAway()) throw new Error("away");
      expect(channel).toBe("here_changes");
      told.push(String(payload).split(" ").slice(1));
      return [];
    },
  };
  const address = databaseAddress("postgres://me@127.0.0.1:1/none");
  const options = { address, schema: "here", prepares: false, clock };
  return { notices: new ChangeNotices(db, options), clock, told };
}

describe("what others are told of changes", () => {
  it("are ids, gathered", async () => {
    const { notices, clock, told } = teller();
    for (const jobId of ["job_a", "job_b", "job_a"]) notices.changed(jobId);
    expect(told).toEqual([]);
    await clock.advance(60);
    expect(told).toEqual([["job_a", "job_b"]]);
    await clock.advance(60_000);
    expect(told).toHaveLength(1);
  });

  it("is told once in a second of one job, and the last change is not left out", async () => {
    const { notices, clock, told } = teller();
    for (let at = 0; at < 3_000; at += 20) {
      notices.changed("job_a");
      await clock.advance(20);
    }
    expect(told.length).toBeGreaterThanOrEqual(3);
    expect(told.length).toBeLessThanOrEqual(4);
    const before = told.length;
    await clock.advance(2_000);
    expect(told.length).toBeLessThanOrEqual(before + 1);
    notices.changed("job_b");
    await clock.advance(60);
    expect(told.at(-1)).toEqual(["job_b"]);
  });

  it("fits into notices, however much it is", async () => {
    const { notices, clock, told } = teller();
    const jobIds = Array.from({ length: 450 }, (_, n) => `job_${n}`);
    for (const jobId of jobIds) notices.changed(jobId);
    await clock.advance(60);
    expect(told.map((ids) => ids.length)).toEqual([200, 200, 50]);
    expect(told.flat()).toEqual(jobIds);
  });

  it("is a hint: nothing comes of it where the database is away", async () => {
    let isAway = true;
    const { notices, clock, told } = teller(() => isAway);
    notices.changed("job_a");
    await clock.advance(60);
    isAway = false;
    notices.changed("job_b");
    await clock.advance(60);
    expect(told).toEqual([["job_b"]]);
  });

  it("is nothing any more once it is closed", async () => {
    const { notices, clock, told } = teller();
    notices.changed("job_a");
    await notices.close();
    notices.changed("job_b");
    await clock.advance(5_000);
    expect(told).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
