import { type FileHandle, open, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { completed, file, type Reply, scriptedGateway } from "../support/gateway-script.ts";
import { picture } from "../support/pictures.ts";
import { OWNER, openRig, summaryOf, until } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

const IO_ERROR = "disk I/O error";
const commits = vi.hoisted(() => ({ fail: false }));

/** The real database, whose next commit fails once when the test wants it. */
vi.mock("../../src/storage/sqlite/migrations.ts", async (original) => {
  const real = await original<typeof import("../../src/storage/sqlite/migrations.ts")>();
  const openDatabase: typeof real.openDatabase = (folder) => {
    const db = real.openDatabase(folder);
    const exec = db.exec.bind(db);
    const value = (sql: string) => {
      if (sql !== "COMMIT" || !commits.fail) return exec(sql);
      commits.fail = false;
      throw new Error(IO_ERROR);
    };
    return Object.defineProperty(db, "exec", { value });
  };
  return { ...real, openDatabase };
});

/** What every open file of the program is. */
async function fileHandles(): Promise<FileHandle> {
  const folder = await tempDir();
  const handle = await open(folder, "r");
  await handle.close();
  return Object.getPrototypeOf(handle);
}

/** Makes one sync of a file or a folder fail, by its number, and loses what was written before. */
async function failSync(number: number): Promise<{ calls: () => number }> {
  const prototype = await fileHandles();
  const real = prototype.sync;
  const spy = vi.spyOn(prototype, "sync").mockImplementation(async function (this: FileHandle) {
    if (spy.mock.calls.length - 1 !== number) return real.call(this);
    const { size } = await this.stat();
    await this.write(Buffer.alloc(size), 0, size, 0).catch(() => undefined);
    throw Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO" });
  });
  onTestFinished(() => spy.mockRestore());
  return { calls: () => spy.mock.calls.length };
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

/** Breaks off in the middle of a file that could be gone on with, as soon as some of it is written. */
const half =
  (bytes: Buffer, isWritten: () => Promise<boolean>): Reply =>
  (response) => {
    response.writeHead(200, { "content-length": String(bytes.length), etag: '"v1"' });
    response.write(bytes.subarray(0, bytes.length >> 1));
    void until(isWritten, "some of the file").finally(() => response.socket?.end());
  };

async function holdsBytes(folder: string): Promise<boolean> {
  const sizes = await Promise.all((await filesIn(folder)).map(async (path) => stat(path)));
  return sizes.some(({ size }) => size > 0);
}

describe("a sync of a file that fails", () => {
  test.each([
    ["once it is whole", 0, false],
    ["when its folder is told of it", 1, false],
    ["when it broke off and could be gone on with", 0, true],
  ])("%s is not taken for done: the file is fetched anew", async (_, number, breaksOff) => {
    const bytes = await picture("png", { width: 300, height: 300 });
    const isWritten = () => holdsBytes(rig.outputDir);
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [...(breaksOff ? [half(bytes, isWritten)] : []), file(bytes)],
    });
    const rig = await openRig({ origin: gateway.origin });
    const sync = await failSync(number);
    const job = await rig.reached(await rig.start(), "completed");
    expect(job.media).toHaveLength(1);
    const path = job.media[0]?.path ?? "";
    expect(await filesIn(rig.outputDir)).toEqual([path]);
    expect((await readFile(path)).equals(bytes)).toBe(true);
    expect(gateway.fetches).toHaveLength(2);
    expect(gateway.fetches[1]?.headers).not.toHaveProperty("range");
    // The one that failed, and both of the second try.
    expect(sync.calls()).toBe(number + 3);
  });

  test("leaves no copy where the caller wanted one, and says so", async () => {
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [file(await picture("png", { width: 300, height: 300 }))],
    });
    const rig = await openRig({ origin: gateway.origin });
    await failSync(2);
    const saveTo = join(rig.outputDir, "copies");
    const job = await rig.reached(await rig.start(undefined, undefined, saveTo), "completed");
    expect(job.warnings).toContainEqual(expect.stringContaining("`save_to`"));
    expect(await filesIn(rig.outputDir)).toEqual([job.media[0]?.path]);
  });
});

/** Makes one change of the database fail as a failed fsync does, by its number. */
function failWrite(number: number): { calls: () => number } {
  let writes = 0;
  const real = Connection.prototype.all;
  const spy = vi.spyOn(Connection.prototype, "all").mockImplementation(function (
    this: Connection,
    sql,
    values,
  ) {
    const isWrite = /^\s*(?:INSERT|UPDATE)/.test(sql);
    if (isWrite && writes++ === number) throw new AppError("storage", IO_ERROR);
    return real.call(this, sql, values);
  });
  onTestFinished(() => spy.mockRestore());
  return { calls: () => writes };
}

describe("a sync of the database that fails", () => {
  test("when a job is recorded, nothing is recorded or sent, and the next call is whole", async () => {
    const gateway = await scriptedGateway({
      status: [completed("a")],
      media: [file(await picture())],
    });
    const rig = await openRig({ origin: gateway.origin });
    commits.fail = true;
    await expect(rig.start()).rejects.toMatchObject({
      code: "storage",
      message: expect.stringContaining(IO_ERROR),
    });
    expect(await rig.runner.list({ owner: OWNER, limit: 10 })).toMatchObject({ jobs: [] });
    await rig.quiet();
    expect(gateway.connections).toBe(0);

    const job = await rig.reached(await rig.start(), "completed");
    expect((await rig.runner.list({ owner: OWNER, limit: 10 })).jobs).toMatchObject([
      summaryOf(job),
    ]);
    expect(gateway.posts).toHaveLength(1);
  });

  test("and yet is in the log, is overwritten there, so that no crash brings it back", async () => {
    const gateway = await scriptedGateway({});
    const rig = await openRig({ origin: gateway.origin });
    const log = () => readFile(join(rig.folder, "data", "jobs.db-wal"));
    const before = await log();
    commits.fail = true;
    await expect(rig.start()).rejects.toMatchObject({ code: "storage" });
    expect((await log()).equals(before)).toBe(false);
  });

  test.each([1, 2, 3, 4])("at change %i of a job, it is written again, and whole", async (n) => {
    const bytes = await picture();
    const gateway = await scriptedGateway({ status: [completed("a")], media: [file(bytes)] });
    const rig = await openRig({ origin: gateway.origin });
    const write = failWrite(n);
    const started = await rig.start();
    const job = await until(async () => {
      const current = await rig.get(started);
      return current.state === "completed" ? current : undefined;
    });
    expect(write.calls()).toBeGreaterThan(n);
    expect(job).toMatchObject({
      requestId: expect.any(String),
      charge: "spent",
      costUsd: 0.13,
      wire: null,
      error: null,
      mediaUrls: [`${gateway.origin}/media/a`],
      media: [{ index: 1, sizeBytes: bytes.length }],
    });
    expect(job.acceptedAt).not.toBeNull();
    expect(gateway.posts).toHaveLength(1);
  });
});
