import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Job, WholeJob } from "../../../src/jobs/job.ts";
import { SqliteJobStore } from "../../../src/storage/sqlite/job-store.ts";
import { leftJob, OWNER, recordJob, summaryOf } from "../../support/rig.ts";
import { tempDir } from "../../support/temp-dir.ts";

const BASE = "https://gateway.example";

let folder: string;
let store: SqliteJobStore;

function openStore(at = folder): SqliteJobStore {
  const opened = new SqliteJobStore(at);
  onTestFinished(() => opened.close());
  return opened;
}

beforeEach(async () => {
  folder = await tempDir();
  store = openStore();
});

async function add(change: Partial<WholeJob> = {}): Promise<WholeJob> {
  const job = leftJob({ baseUrl: BASE, ...change });
  await recordJob(store, job, "me");
  return job;
}

describe("what is stored", () => {
  it("comes back as it was, every field of it, also through another connection", async () => {
    const job = await add({
      input: { prompt: "Ein Löwe 🦁\u0000'\"", nested: { list: [1, null, true] } },
      wire: { prompt: "x", image_urls: ["https://a.example/1.png"] },
      saveTo: "~/cats",
      state: "downloading",
      charge: "reserved",
      requestId: "longcat-image-498_019d",
      upstreamStatus: "COMPLETED",
      createdAt: 1_700_000_000_001,
      updatedAt: 1_700_000_000_002,
      acceptedAt: 1_700_000_000_003,
      completedAt: 1_700_000_000_004,
      costUsd: 0.13,
      error: { code: "rate_limited", message: "Slow down" },
      mediaUrls: ["https://a.example/1.png", "https://a.example/2.png"],
      media: [
        {
          index: 1,
          url: "https://a.example/1.png",
          path: "/pictures/1.png",
          mimeType: "image/png",
          width: 1024,
          height: 768,
          sizeBytes: 123,
          sha256: "ab",
          copies: ["/copy/1.png"],
        },
        {
          index: 2,
          url: "https://a.example/2.bin",
          path: "/pictures/2.bin",
          mimeType: "application/octet-stream",
          sizeBytes: 9_007_199_254_740_991,
          sha256: "cd",
          copies: [],
        },
      ],
      warnings: ["One", "Two"],
      deliveredAt: 1_700_000_000_005,
      fingerprint: "fp",
      idempotencyKey: "key",
      reservedUsd: 0.26,
      orphaned: true,
    });
    expect(await store.get(OWNER, job.jobId)).toEqual(job);
    expect(await openStore().get(OWNER, job.jobId)).toEqual(job);
  });

  it("comes back empty where it is", async () => {
    const job = await add({ wire: null, error: null });
    expect(await store.get(OWNER, job.jobId)).toEqual(job);
  });

  it("is there once the promise resolves, for a process that knows nothing of this one", async () => {
    const job = await add();
    const other = new DatabaseSync(join(folder, "jobs.db"), { readOnly: true });
    onTestFinished(() => other.close());
    expect(other.prepare("SELECT state FROM jobs WHERE job_id = ?").get(job.jobId)).toMatchObject({
      state: "queued",
    });
  });

  it("belongs to its owner alone", async () => {
    const job = await add({ requestId: "longcat-image-498_019d" });
    expect(await store.get("somebody", job.jobId)).toBeUndefined();
    expect(await store.findByRequestId("somebody", "longcat-image-498_019d")).toBeUndefined();
    expect((await store.list({ owner: "somebody", limit: 10 })).jobs).toEqual([]);
    expect(await store.findByRequestId(OWNER, "longcat-image-498_019d")).toEqual(summaryOf(job));
    expect(await store.findByRequestId(OWNER, "longcat-image-498_other")).toBeUndefined();
  });

  it("is never recorded twice under one id", async () => {
    const job = await add();
    await expect(recordJob(store, job, "me")).rejects.toMatchObject({ code: "storage" });
  });
});

describe("changes", () => {
  it("touch what they name and nothing else", async () => {
    const job = await add({ warnings: ["stays"], error: { code: "internal", message: "goes" } });
    const patched = await store.patch(
      OWNER,
      job.jobId,
      { upstreamStatus: "QUEUED", error: null },
      7,
    );
    const expected = { ...job, upstreamStatus: "QUEUED", error: null, updatedAt: 7 };
    expect(patched).toEqual(summaryOf(expected));
    expect(await store.get(OWNER, job.jobId)).toEqual(expected);
  });

  it("of a job that does not exist are an error", async () => {
    await expect(store.patch(OWNER, "job_none", { charge: "none" }, 1)).rejects.toMatchObject({
      code: "not_found",
    });
  });

  it("of the state are won by one of two that try", async () => {
    const other = openStore();
    const job = await add();
    const moves = await Promise.all([
      store.transition(OWNER, job.jobId, { from: "queued", to: "submitting", patch: {}, now: 2 }),
      other.transition(OWNER, job.jobId, {
        from: "queued",
        to: "cancelled",
        patch: { charge: "none" },
        now: 3,
      }),
    ]);
    expect(moves.filter((move) => move !== undefined)).toHaveLength(1);
    expect(await other.get(OWNER, job.jobId)).toMatchObject(moves.find((move) => move) ?? {});
  });
});

describe("what a job was asked for", () => {
  it("is read where one job is looked at, and by no list, change or take-over", async () => {
    const job = await add({ state: "completed", orphaned: true });
    await add({ state: "running", orphaned: true });
    const other = openStore();
    // Whoever reads a body now fails.
    const db = new DatabaseSync(join(folder, "jobs.db"));
    onTestFinished(() => db.close());
    db.exec("UPDATE job_bodies SET input = 'no JSON', wire = 'none either'");

    const page = await store.list({ owner: OWNER, limit: 10 });
    expect(page.jobs).toHaveLength(2);
    expect(await store.news(OWNER)).toEqual([summaryOf(job)]);
    expect(await other.takeOver("other", ["me"], BASE)).toHaveLength(1);
    await other.patch(OWNER, job.jobId, { upstreamStatus: "READ" }, 3);
    expect(await store.changes()).not.toEqual([]);
    await expect(store.get(OWNER, job.jobId)).rejects.toThrow("JSON");
  });

  it("goes with the job", async () => {
    const ended = { state: "completed", charge: "spent" } as const;
    const kept = [await add({ ...ended, createdAt: 2e9, updatedAt: 2e9 }), await add()];
    await add({ ...ended, createdAt: 1, updatedAt: 1 });
    expect(await store.forget(1, Date.now())).toBe(1);
    const rows = store.connection.all("SELECT job_id FROM job_bodies ORDER BY rowid", []);
    expect(rows).toMatchObject(kept.map(({ jobId }) => ({ job_id: jobId })));
  });
});

describe("lists", () => {
  it("show the newest first, page by page, each job once, while new ones arrive", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) ids.unshift((await add({ createdAt: 1 })).jobId);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.list({ owner: OWNER, limit: 3, cursor });
      seen.push(...page.jobs.map((job) => job.jobId));
      cursor = page.nextCursor;
      await add();
    } while (cursor !== undefined && seen.length < 100);
    expect(seen).toEqual(ids);
  });

  it("have no next page when the last one is exactly full", async () => {
    for (let i = 0; i < 4; i++) await add();
    const first = await store.list({ owner: OWNER, limit: 2 });
    const second = await store.list({ owner: OWNER, limit: 2, cursor: first.nextCursor });
    expect(first.nextCursor).toBeDefined();
    expect(second.jobs).toHaveLength(2);
    expect(second.nextCursor).toBeUndefined();
  });

  it("can be narrowed to states and an operation, across pages", async () => {
    const wanted = [await add({ state: "failed" }), await add({ state: "completed" })];
    await add({ state: "running" });
    await add({ state: "failed", operation: "qwen_image_edit" });
    const query = {
      owner: OWNER,
      states: ["failed", "completed"] as const,
      operation: "longcat_image_generate",
    };
    const all = await store.list({ ...query, limit: 10 });
    expect(all.jobs.map((job) => job.jobId)).toEqual(wanted.map((job) => job.jobId).reverse());
    const first = await store.list({ ...query, limit: 1 });
    const second = await store.list({ ...query, limit: 1, cursor: first.nextCursor });
    expect([...first.jobs, ...second.jobs]).toEqual(all.jobs);
  });

  it.each(["", "7", "before-", "before-x", "before-1;DROP TABLE jobs", "before--1"])(
    "refuse %j as a cursor",
    async (cursor) => {
      await expect(store.list({ owner: OWNER, limit: 1, cursor })).rejects.toMatchObject({
        code: "invalid_input",
      });
    },
  );
});

describe("holders", () => {
  const takeOver = (gone: string[], base: string | undefined = BASE) =>
    openStore().takeOver("other", gone, base);

  it("keep their jobs until they are said to be gone", async () => {
    const job = await add();
    expect(await takeOver([])).toEqual([]);
    expect(await takeOver(["me"])).toEqual([{ ...summaryOf(job), orphaned: true }]);
    expect(await takeOver(["me"])).toEqual([]);
  });

  it("are named to each other, with a beat that shows whether they live", async () => {
    await add();
    expect(await store.otherHolders("me", BASE)).toEqual([]);
    expect(await openStore().otherHolders("other", BASE)).toEqual([{ holder: "me", beat: 0 }]);
    await store.beat("me");
    await store.beat("me");
    expect(await openStore().otherHolders("other", BASE)).toEqual([{ holder: "me", beat: 2 }]);
    expect(await openStore().otherHolders("other", "https://elsewhere.example")).toEqual([]);
  });

  it("learn from their own beat what was taken from them", async () => {
    const [kept, lost] = [await add(), await add({ baseUrl: "http://127.0.0.1:1" })];
    expect((await store.beat("me")).sort()).toEqual([kept.jobId, lost.jobId].sort());
    await takeOver(["me"], lost.baseUrl);
    expect(await store.beat("me")).toEqual([kept.jobId]);
  });

  it("get a job that two ask for at once only once", async () => {
    await add();
    const [first, second] = [openStore(), openStore()];
    const taken = await Promise.all([
      first.takeOver("first", ["me"], BASE),
      second.takeOver("second", ["me"], BASE),
    ]);
    expect(taken.flat()).toHaveLength(1);
  });

  it("have no interest in jobs that have ended", async () => {
    for (const state of ["completed", "failed", "errored", "unknown", "cancelled"] as const) {
      await add({ state });
    }
    const open = [];
    for (const state of ["queued", "submitting", "running", "downloading"] as const) {
      open.push((await add({ state })).jobId);
    }
    expect((await takeOver(["me"])).map((job) => job.jobId).sort()).toEqual(open.sort());
  });

  it("take up a job that goes on after it had ended", async () => {
    const job = await add({ state: "submitting" });
    await store.transition(OWNER, job.jobId, {
      from: "submitting",
      to: "unknown",
      patch: {},
      now: 1,
    });
    await store.transition(OWNER, job.jobId, {
      from: "unknown",
      to: "running",
      patch: {},
      now: 2,
      holder: "third",
    });
    expect(await takeOver(["me"])).toEqual([]);
    expect((await takeOver(["third"])).map((one) => one.jobId)).toEqual([job.jobId]);
  });

  it("leave jobs of another base alone, unless all are asked for", async () => {
    await add({ baseUrl: "http://127.0.0.1:1" });
    const ours = await add();
    expect((await takeOver(["me"])).map((job) => job.jobId)).toEqual([ours.jobId]);
    expect(await openStore().takeOver("third", ["me", "other"], undefined)).toHaveLength(2);
  });

  it("leave none of an operation that needs no base", async () => {
    const baseUrl = "http://127.0.0.1:1";
    const turn = await add({ baseUrl, operation: "longcat_chat" });
    await add({ baseUrl });
    const other = openStore();
    expect(await other.otherHolders("other", BASE, ["longcat_chat"])).toHaveLength(1);
    const taken = await other.takeOver("other", ["me"], BASE, ["longcat_chat"]);
    expect(taken.map((job) => job.jobId)).toEqual([turn.jobId]);
  });

  it("can give their jobs back", async () => {
    await add();
    await store.release("me");
    expect(await takeOver([])).toHaveLength(1);
  });
});

describe("changes by others", () => {
  it("are told once, one's own never", async () => {
    const other = openStore();
    expect(await store.changes()).toEqual([]);
    const mine = await add();
    expect(await store.changes()).toEqual([]);
    const changed = await other.patch(OWNER, mine.jobId, { upstreamStatus: "QUEUED" }, 9);
    expect(await store.changes()).toEqual([changed]);
    expect(await store.changes()).toEqual([]);
    await store.patch(OWNER, mine.jobId, { upstreamStatus: "PROCESSING" }, 10);
    expect(await store.changes()).toEqual([]);
    expect((await other.changes()).map((job) => job.upstreamStatus)).toContain("PROCESSING");
  });

  it("are told to the last, however many there are at once", async () => {
    await store.changes();
    const other = openStore();
    other.connection.all("PRAGMA synchronous=OFF", []);
    const wanted: string[] = [];
    for (let n = 0; n < 1_100; n++) {
      const job = leftJob({ baseUrl: BASE });
      await recordJob(other, job, "other");
      wanted.push(job.jobId);
    }
    const heard: string[] = [];
    for (let looks = 0; looks < 5; looks++) {
      const changes = await store.changes();
      expect(changes.length).toBeLessThanOrEqual(500);
      heard.push(...changes.map((job) => job.jobId));
    }
    expect(heard).toEqual(wanted);
  });
});

describe("news", () => {
  it("are completed jobs that nobody was there for, told once", async () => {
    await add({ state: "completed" });
    await add({ state: "completed", orphaned: true, deliveredAt: 1 });
    await add({ state: "running", orphaned: true });
    await add({ state: "failed", orphaned: true });
    await add({ state: "completed", orphaned: true, owner: "somebody" });
    const job = await add({ state: "completed", orphaned: true });
    expect(await store.news(OWNER)).toEqual([summaryOf(job)]);
    await store.noteMentioned(OWNER, [job.jobId], 5);
    expect(await openStore().news(OWNER)).toEqual([]);
  });

  it("are as many as one answer can name; the others come in the next", async () => {
    store.connection.all("PRAGMA synchronous=OFF", []);
    for (let n = 0; n < 25; n++) await add({ state: "completed", orphaned: true });
    const first = await store.news(OWNER);
    expect(first).toHaveLength(20);
    await store.noteMentioned(
      OWNER,
      first.map((job) => job.jobId),
      5,
    );
    expect(await store.news(OWNER)).toHaveLength(5);
  });

  it("are a mention and no delivery, so that a cut call can still be repeated", async () => {
    const job = await add({ state: "completed", orphaned: true, updatedAt: 1 });
    await store.noteMentioned(OWNER, [job.jobId], 5);
    expect(await openStore().get(OWNER, job.jobId)).toEqual(job);
  });
});

describe("the database file", () => {
  it("is written through, and waits for others, on every connection", () => {
    for (const { connection } of [store, openStore()]) {
      expect(connection.pragmas()).toEqual({
        busyTimeoutMs: 10_000,
        journalMode: "wal",
        synchronous: 2,
      });
    }
  });

  it("is for its owner only, in a folder that is too", async () => {
    const fresh = join(folder, "deep", "data");
    openStore(fresh);
    const mode = async (path: string) => (await stat(path)).mode & 0o777;
    expect(await mode(fresh)).toBe(0o700);
    for (const file of ["jobs.db", "jobs.db-wal", "jobs.db-shm"]) {
      expect(await mode(join(fresh, file)), file).toBe(0o600);
    }
  });

  it("leaves the mode of a folder that was there", async () => {
    const existing = join(folder, "existing");
    await mkdir(existing);
    await chmod(existing, 0o750);
    await writeFile(join(existing, "jobs.db"), "", { mode: 0o644 });
    openStore(existing);
    expect((await stat(existing)).mode & 0o777).toBe(0o750);
    expect((await stat(join(existing, "jobs.db"))).mode & 0o777).toBe(0o600);
  });

  it("of a newer version is refused, and left as it is", async () => {
    const newer = join(folder, "newer");
    await mkdir(newer);
    const db = new DatabaseSync(join(newer, "jobs.db"));
    db.exec("PRAGMA user_version = 999; CREATE TABLE jobs (something_else TEXT)");
    db.close();
    expect(() => new SqliteJobStore(newer)).toThrowError(
      expect.objectContaining({
        code: "storage",
        message: expect.stringContaining("newer version"),
      }),
    );
    const after = new DatabaseSync(join(newer, "jobs.db"));
    onTestFinished(() => after.close());
    expect(after.prepare("PRAGMA user_version").get()).toMatchObject({ user_version: 999 });
  });

  it("that is none is refused, and left as it is", async () => {
    const broken = join(folder, "broken");
    await mkdir(broken);
    await writeFile(
      join(broken, "jobs.db"),
      "this is not a database, but somebody's notes. ".repeat(50),
    );
    expect(() => new SqliteJobStore(broken)).toThrowError(
      expect.objectContaining({ code: "storage", message: expect.stringContaining(broken) }),
    );
    expect((await stat(join(broken, "jobs.db"))).size).toBe(2_300);
  });

  it("in a folder that cannot be is refused", async () => {
    await writeFile(join(folder, "file"), "");
    expect(() => new SqliteJobStore(join(folder, "file", "data"))).toThrowError(
      expect.objectContaining({ code: "storage" }),
    );
  });

  it("is used after it was closed by nobody", async () => {
    const closed = new SqliteJobStore(join(folder, "closed"));
    await closed.close();
    await expect(closed.get(OWNER, "job_a")).rejects.toMatchObject({ code: "storage" });
  });

  it("keeps what is in it when it is opened again", async () => {
    const job = await add();
    const again = openStore();
    expect(await again.get(OWNER, job.jobId)).toEqual(job);
    expect(again.connection.pragmas().journalMode).toBe("wal");
  });
});

describe("a settlement by hand", () => {
  const doubtful = { state: "unknown", charge: "uncertain", updatedAt: 1 } as const;

  it("decides on what is uncertain, and can be corrected", async () => {
    const job = await add(doubtful);
    const charged: WholeJob = { ...job, charge: "spent", costUsd: 0.13, updatedAt: 5 };
    const free: WholeJob = { ...job, charge: "none", costUsd: null, updatedAt: 6 };
    expect(await store.settle(OWNER, job.jobId, "spent", 5)).toEqual(summaryOf(charged));
    expect(await openStore().settle(OWNER, job.jobId, "none", 6)).toEqual(summaryOf(free));
    expect(await store.settle(OWNER, job.jobId, "spent", 5)).toEqual(summaryOf(charged));
    expect(await openStore().get(OWNER, job.jobId)).toEqual(charged);
  });

  it("belongs to the owner", async () => {
    const job = await add(doubtful);
    expect(await store.settle("somebody", job.jobId, "none", 5)).toBeUndefined();
    expect(await store.get(OWNER, job.jobId)).toEqual(job);
  });

  it.each([
    ["completed", "spent"],
    ["failed", "spent"],
    ["failed", "none"],
    ["errored", "none"],
    ["running", "reserved"],
  ] as const)(
    "does nothing to a job that the program knows to be %s and %s",
    async (state, charge) => {
      const job = await add({ state, charge });
      expect(await store.settle(OWNER, job.jobId, "none", 5)).toBeUndefined();
      expect(await store.get(OWNER, job.jobId)).toEqual(job);
    },
  );

  it("loses against a job that was given its request id meanwhile", async () => {
    const job = await add(doubtful);
    const goesOn = { charge: "reserved" } as const;
    const attached = await openStore().transition(OWNER, job.jobId, {
      from: "unknown",
      to: "running",
      patch: goesOn,
      now: 4,
    });
    expect(await store.settle(OWNER, job.jobId, "none", 5)).toBeUndefined();
    expect(await store.get(OWNER, job.jobId)).toMatchObject(attached ?? {});
  });

  it("is over once the job goes on after all", async () => {
    const job = await add(doubtful);
    await store.settle(OWNER, job.jobId, "spent", 5);
    const goesOn = { charge: "reserved" } as const;
    const attached = await store.transition(OWNER, job.jobId, {
      from: "unknown",
      to: "running",
      patch: goesOn,
      now: 6,
    });
    expect(attached).toMatchObject({ charge: "reserved", costUsd: null });
    await store.transition(OWNER, job.jobId, {
      from: "running",
      to: "failed",
      patch: { charge: "spent" },
      now: 7,
    });
    expect(await store.settle(OWNER, job.jobId, "none", 8)).toBeUndefined();
  });
});

describe("old jobs", () => {
  const NOW = Date.parse("2026-11-20T12:00:00Z");
  const at = (daysAgo: number) => {
    const time = NOW - daysAgo * 86_400_000;
    return { createdAt: time, updatedAt: time, state: "completed", charge: "spent" } as const;
  };
  const left = async () =>
    (await store.list({ owner: OWNER, limit: 10 })).jobs.map((job) => job.jobId).sort();
  const idsOf = (jobs: Job[]) => jobs.map((job) => job.jobId).sort();

  it("are forgotten once they have ended, are old and are settled; others never", async () => {
    await add(at(40));
    await add({ ...at(40), state: "cancelled", charge: "none" });
    const kept = [
      await add({ ...at(40), state: "running", charge: "reserved" }),
      await add({ ...at(40), state: "unknown", charge: "uncertain" }),
      await add({ ...at(40), updatedAt: at(1).updatedAt }),
      await add({ ...at(1), updatedAt: at(40).updatedAt }),
      await add(at(30)),
      await add(at(0)),
    ];
    expect(await store.forget(32, NOW)).toBe(2);
    expect(await left()).toEqual(idsOf(kept));
  });

  it("are not made by a clock that runs ahead, even if a job is started by it", async () => {
    const kept = [await add(at(2)), await add(at(0))];
    const ahead = -100;
    expect(await store.forget(32, at(ahead).createdAt)).toBe(0);
    kept.push(await add(at(ahead)));
    expect(await store.forget(32, at(ahead).createdAt)).toBe(0);
    expect(await left()).toEqual(idsOf(kept));
    expect(await store.spending(OWNER, NOW)).toMatchObject({ thisMonth: { jobs: 3 } });
  });

  it("stay while they count towards the cap of a month", async () => {
    await add(at(21));
    const kept = [await add(at(19)), await add(at(2)), await add(at(0))];
    expect(await store.forget(1, NOW)).toBe(1);
    expect(await left()).toEqual(idsOf(kept));
  });
});
