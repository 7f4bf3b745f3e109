import { expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import type { Job } from "../../src/jobs/job.ts";
import { UntoldOrphans } from "../../src/jobs/untold-orphans.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { leftJob, summaryOf } from "../support/rig.ts";

const BASE = { baseUrl: "https://gateway.example", state: "completed" } as const;

const orphanOf = (owner: string) => summaryOf(leftJob({ ...BASE, owner, orphaned: true }));

function setUp() {
  const events = new JobEvents();
  const found: Job[] = [];
  const asked: string[] = [];
  let reading = async (): Promise<void> => {};
  const mentioned: [string, readonly string[], number][] = [];
  const orphans = new UntoldOrphans({
    events,
    clock: new FakeClock(),
    store: {
      async untoldOrphans(owner) {
        asked.push(owner);
        const now = found.filter((job) => job.owner === owner);
        await reading();
        return now;
      },
      async noteMentioned(...note) {
        mentioned.push(note);
      },
    },
  });
  return {
    events,
    found,
    asked,
    mentioned,
    orphans,
    whileReading(run: () => Promise<void>) {
      reading = run;
    },
  };
}

it("are looked for once, and again only when an orphan of that owner has completed", async () => {
  const { events, found, asked, mentioned, orphans } = setUp();
  for (const owner of ["ada", "ada", "ben", "ada", "ben"]) {
    expect(await orphans.of(owner)).toEqual([]);
  }
  expect(asked).toEqual(["ada", "ben"]);
  // What was started here, goes on, or was told is no news.
  const own = { ...orphanOf("ada"), orphaned: false };
  for (const job of [own, { ...orphanOf("ada"), state: "running" as const }]) events.publish(job);
  events.publish({ ...orphanOf("ada"), deliveredAt: 1 });
  expect([orphans.noneSince("ada"), await orphans.of("ada")]).toEqual([1, []]);
  const news = orphanOf("ada");
  found.push(news);
  events.publish(news);
  expect([orphans.noneSince("ada"), orphans.noneSince("ben")]).toEqual([undefined, 2]);
  expect(await orphans.of("ada")).toEqual([news]);
  await orphans.noteMentioned("ada", [news]);
  expect(mentioned).toEqual([["ada", [news.jobId], new FakeClock().now()]]);
  // Until they are told, they are looked for.
  expect(await orphans.of("ada")).toEqual([news]);
  found.length = 0;
  expect([await orphans.of("ada"), await orphans.of("ada")]).toEqual([[], []]);
  expect(asked).toEqual(["ada", "ben", "ada", "ada", "ada"]);
});

it("that complete while the store is read are found by the next look", async () => {
  const { events, found, orphans, whileReading } = setUp();
  const news = orphanOf("ada");
  whileReading(async () => {
    found.push(news);
    events.publish(news);
  });
  expect(await orphans.of("ada")).toEqual([]);
  whileReading(async () => {});
  expect(await orphans.of("ada")).toEqual([news]);
});

it("are looked for again after a look that failed", async () => {
  const { asked, orphans, whileReading } = setUp();
  whileReading(async () => {
    throw new AppError("storage", "The disk is gone.");
  });
  await expect(orphans.of("ada")).rejects.toMatchObject({ code: "storage" });
  whileReading(async () => {});
  expect(await orphans.of("ada")).toEqual([]);
  expect(asked).toEqual(["ada", "ada"]);
});
