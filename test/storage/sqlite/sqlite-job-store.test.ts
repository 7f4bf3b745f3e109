import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { WholeJob } from "../../../src/jobs/job.ts";
import { Connection } from "../../../src/storage/sqlite/connection.ts";
import { DUPLICATES } from "../../../src/storage/sqlite/duplicate-rows.ts";
import { DURATIONS } from "../../../src/storage/sqlite/list-rows.ts";
import { OF_REQUEST } from "../../../src/storage/sqlite/request-rows.ts";
import { SqliteJobStore } from "../../../src/storage/sqlite/sqlite-job-store.ts";
import { leftJob, NO_LIMITS, OWNER, recordJob, summaryOf } from "../../support/rig.ts";
import { tempDir } from "../../support/temp-dir.ts";

const BASE = "https://gateway.example";

let folder: string;
let store: SqliteJobStore;

function connect(at = folder): Connection {
  const connection = new Connection(at);
  onTestFinished(() => connection.close());
  return connection;
}

const openStore = (at = folder) => new SqliteJobStore(connect(at));

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
  it("is there once the promise resolves, for a process that knows nothing of this one", async () => {
    const job = await add();
    const other = new DatabaseSync(join(folder, "jobs.db"), { readOnly: true });
    onTestFinished(() => other.close());
    expect(other.prepare("SELECT state FROM jobs WHERE job_id = ?").get(job.jobId)).toMatchObject({
      state: "queued",
    });
  });
});

describe("many jobs at once", () => {
  const rules = (now: number) => ({ forceNew: true, limits: { ...NO_LIMITS, perDayUsd: 1 }, now });

  it("are recorded as far as the money goes, and the others are told why not", async () => {
    const jobs = Array.from({ length: 40 }, (_, n) =>
      leftJob({ baseUrl: BASE, charge: "reserved", reservedUsd: n % 2 === 0 ? 0.09 : 2 }),
    );
    const admitted = await Promise.allSettled(
      jobs.map((job) => store.admit(job, "me", rules(job.createdAt))),
    );
    const isNew = admitted.map(({ status }) => status === "fulfilled");
    expect(isNew).toEqual(jobs.map((_, n) => n % 2 === 0 && n < 22));
    const refusals = admitted.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(["over_budget"]));
    const { jobs: recorded } = await openStore().list({ owner: OWNER, limit: 100 });
    expect(recorded.map(({ jobId }) => jobId).toSorted()).toEqual(
      jobs
        .filter((_, n) => isNew[n])
        .map(({ jobId }) => jobId)
        .toSorted(),
    );
    expect(await store.changes()).toEqual([]);
  });

  it("move on with each other, and what others change meanwhile is heard of", async () => {
    const jobs = await Promise.all(Array.from({ length: 30 }, () => add()));
    const other = openStore();
    await Promise.all([store.changes(), other.changes()]);
    const step = { from: "queued", to: "submitting", patch: {}, now: 1 } as const;
    const moved = await Promise.all(jobs.map(({ jobId }) => store.transition(OWNER, jobId, step)));
    expect(moved.map((job) => job?.state)).toEqual(jobs.map(() => "submitting"));
    const { jobId } = jobs[7] ?? { jobId: "" };
    const back = { from: "submitting", to: "queued", patch: {}, now: 2 } as const;
    const others = jobs.filter((job) => job.jobId !== jobId);
    const all = [other.transition(OWNER, jobId, back), ...others.map((job) => touch(job.jobId))];
    await Promise.all(all);
    expect((await store.changes()).map((job) => job.jobId)).toEqual([jobId]);
    expect((await other.changes()).map((job) => job.jobId).toSorted()).toEqual(
      others.map((job) => job.jobId).toSorted(),
    );
  });

  const touch = (jobId: string) => store.patch(OWNER, jobId, { upstreamStatus: "QUEUED" }, 3);

  it("that wait to be written are written before the store is closed", async () => {
    const jobs = Array.from({ length: 20 }, () => leftJob({ baseUrl: BASE, charge: "none" }));
    const admitted = jobs.map((job) => store.admit(job, "me", rules(job.createdAt)));
    await store.close();
    expect(await Promise.all(admitted)).toEqual(jobs.map(() => ({ kind: "new" })));
    expect((await openStore().list({ owner: OWNER, limit: 100 })).jobs).toHaveLength(20);
  });
});

describe("what a job was asked for", () => {
  it("is read where one job is looked at, but for its prompt by no list, and by no change or take-over", async () => {
    const job = await add({ state: "completed", orphaned: true });
    await add({ state: "running", orphaned: true });
    const other = openStore();
    // Whoever reads a body now fails.
    const db = new DatabaseSync(join(folder, "jobs.db"));
    onTestFinished(() => db.close());
    db.exec(`UPDATE job_bodies SET input = '{"prompt": "Words", "seed": {}}', wire = 'no JSON'`);
    const page = await store.list({ owner: OWNER, limit: 10 });
    expect(page.jobs.map(({ prompt }) => prompt)).toEqual(["Words", "Words"]);

    db.exec("UPDATE job_bodies SET input = 'none either'");
    expect(await store.untoldOrphans(OWNER)).toEqual([summaryOf(job)]);
    expect(await other.takeOver("other", ["me"], BASE)).toHaveLength(1);
    await other.patch(OWNER, job.jobId, { upstreamStatus: "READ" }, 3);
    expect(await store.changes()).not.toEqual([]);
    await expect(store.get(OWNER, job.jobId)).rejects.toThrow("JSON");
  });

  it("goes with the job", async () => {
    const ended = { state: "completed", charge: "spent" } as const;
    const [day, now] = [86_400_000, Date.parse("2026-11-20T12:00:00Z")];
    const at = (time: number) => ({ createdAt: time, updatedAt: time });
    const kept = [await add({ ...ended, ...at(now - 32 * day) }), await add(at(now))];
    await add({ ...ended, ...at(now - 70 * day) });
    expect(await store.forget(1, now)).toBe(1);
    const rows = connect().all("SELECT job_id FROM job_bodies ORDER BY rowid", []);
    expect(rows).toMatchObject(kept.map(({ jobId }) => ({ job_id: jobId })));
  });
});

describe("what such jobs usually take", () => {
  it("is read in the order of an index, which ends with as many as are wanted", async () => {
    const plan = connect().all(`EXPLAIN QUERY PLAN ${DURATIONS}`, [OWNER, "x", 20]);
    expect(JSON.stringify(plan)).toMatch(
      /SEARCH jobs USING INDEX jobs_durations \(owner=\? AND operation=\?/,
    );
    expect(plan).toHaveLength(1);
  });
});

describe("the job that stands for a call, and that of a request", () => {
  it.each([
    ["fingerprint", DUPLICATES, [OWNER, OWNER, BASE]],
    ["request_id", OF_REQUEST, [OWNER, OWNER]],
  ])("are found by their %s, however many jobs their owner has", (column, sql, values) => {
    const plan = connect().all(`EXPLAIN QUERY PLAN ${sql}`, values);
    expect(JSON.stringify(plan)).toMatch(new RegExp(`SEARCH jobs USING INDEX \\w+ \\(${column}=`));
    expect(plan).toHaveLength(1);
  });
});

describe("the database file", () => {
  it("is written through, and waits for others, on every connection", () => {
    for (const connection of [connect(), connect()]) {
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
    expect(() => new SqliteJobStore(new Connection(newer))).toThrowError(
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
    expect(() => new SqliteJobStore(new Connection(broken))).toThrowError(
      expect.objectContaining({ code: "storage", message: expect.stringContaining(broken) }),
    );
    expect((await stat(join(broken, "jobs.db"))).size).toBe(2_300);
  });

  it("in a folder that cannot be is refused", async () => {
    await writeFile(join(folder, "file"), "");
    expect(() => new SqliteJobStore(new Connection(join(folder, "file", "data")))).toThrowError(
      expect.objectContaining({ code: "storage" }),
    );
  });

  it("is used after it was closed by nobody", async () => {
    const closed = new SqliteJobStore(new Connection(join(folder, "closed")));
    await closed.close();
    await expect(closed.get(OWNER, "job_a")).rejects.toMatchObject({ code: "storage" });
  });

  it("keeps what is in it when it is opened again", async () => {
    const job = await add();
    const connection = connect();
    expect(await new SqliteJobStore(connection).get(OWNER, job.jobId)).toEqual(job);
    expect(connection.pragmas().journalMode).toBe("wal");
  });
});
