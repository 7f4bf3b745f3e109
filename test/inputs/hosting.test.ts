import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { UNCLAIMED_MS } from "../../src/inputs/hosting.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { openHosting, serveFolder } from "../support/hosting.ts";
import { OWNER, until } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

const DAY_AND_MORE = UNCLAIMED_MS + 1000;

async function publish(
  { hosting }: Pick<Awaited<ReturnType<typeof openHosting>>, "hosting">,
  jobId: string,
  bytes: Buffer,
) {
  const staged = await hosting.stage(OWNER, bytes, "png");
  await hosting.reserve(OWNER, jobId, [staged]);
  await hosting.publish(OWNER, jobId, staged.url);
  return staged;
}

/** All files below a folder but the key. */
async function filesIn(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return found
    .filter((one) => one.isFile() && one.name !== "key")
    .map((one) => one.name)
    .sort();
}

it("serves bytes only once their job is about to be sent", async () => {
  const { hosting, folder } = await openHosting();
  const origin = await serveFolder(folder);
  const bytes = Buffer.from("some bytes");
  const staged = await hosting.stage(OWNER, bytes, "png");
  expect(staged.url).toMatch(/^https:\/\/files\.example\/files\/[a-z2-7]{26}\.png$/);
  const ask = () => fetch(`${origin}/files/${staged.name}`);
  expect((await ask()).status).toBe(404);
  await hosting.reserve(OWNER, "job_a", [staged]);
  expect((await ask()).status).toBe(404);
  await hosting.publish(OWNER, "job_a", staged.url);
  const reply = await ask();
  expect(Buffer.from(await reply.arrayBuffer()).equals(bytes)).toBe(true);
  expect(Object.fromEntries(reply.headers)).toMatchObject({
    "content-type": "image/png",
    "content-length": "10",
  });
  await hosting.release(OWNER, "job_a");
  expect((await ask()).status).toBe(404);
  expect(await filesIn(folder.path)).toEqual([]);
});

it("the same bytes are one file, in use until the last job that needs them has ended", async () => {
  const rig = await openHosting();
  const first = await publish(rig, "job_a", Buffer.from("same"));
  const other = await openHosting({ data: rig.data });
  const stream = Readable.from([Buffer.from("sa"), Buffer.from("me")]);
  const second = await other.hosting.stage(OWNER, stream, "png");
  await other.hosting.reserve(OWNER, "job_b", [second, second]);
  await other.hosting.publish(OWNER, "job_b", [second.url]);
  expect(second.url).toBe(first.url);
  expect(await filesIn(rig.folder.path)).toEqual([first.name]);
  await rig.hosting.release(OWNER, "job_a");
  expect(await filesIn(rig.folder.path)).toEqual([first.name]);
  await rig.hosting.release(OWNER, "job_b");
  expect(await filesIn(rig.folder.path)).toEqual([]);
});

it("the same bytes of two owners are two files, and neither touches or tells of the other's", async () => {
  const rig = await openHosting({ maxBytes: 100 });
  const bytes = Buffer.alloc(40, "same");
  const mine = await publish(rig, "job_a", bytes);
  const theirs = await rig.hosting.stage("ada", bytes, "png");
  expect(theirs.name).not.toBe(mine.name);
  await rig.hosting.reserve("ada", "job_b", [theirs]);
  await rig.hosting.publish("ada", "job_b", theirs.url);
  for (const jobId of ["job_a", "job_b"]) {
    await rig.hosting.release(jobId === "job_a" ? "ada" : OWNER, jobId);
  }
  expect(await filesIn(rig.folder.path)).toEqual([mine.name, theirs.name].sort());
  const more = await rig.hosting.stage("ada", Buffer.alloc(30), "png");
  await expect(rig.hosting.reserve("ada", "job_c", [more])).rejects.toThrow(
    "The files for the provider have 30 bytes, and running jobs need 40 bytes already: more than is left at the moment of the 100 bytes that may be hosted at a time.",
  );
  await rig.hosting.release(OWNER, "job_a");
  await rig.hosting.reserve("ada", "job_c", [more]);
  await rig.hosting.release("ada", "job_b");
  expect(await filesIn(rig.folder.path)).toEqual([`${more.name}.ready`]);
});

it("files of before there were owners are served and removed like any other", async () => {
  const data = await tempDir();
  const stored = await readFile(join(import.meta.dirname, "../fixtures/jobs-v10.db.gz"));
  await writeFile(join(data, "jobs.db"), gunzipSync(stored));
  await mkdir(join(data, "hosted"));
  const name = `${"a".repeat(26)}.png`;
  await writeFile(join(data, "hosted", `${name}.ready`), "old");
  const { hosting, folder } = await openHosting({ data });
  const origin = await serveFolder(folder);
  const jobId = `job_${"a".repeat(26)}`;
  await hosting.publish(OWNER, jobId, { image_url: `https://files.example/files/${name}` });
  expect(await (await fetch(`${origin}/files/${name}`)).text()).toBe("old");
  await hosting.release("ada", jobId);
  expect(await filesIn(folder.path)).toEqual([name]);
  await hosting.release(OWNER, jobId);
  expect(await filesIn(folder.path)).toEqual([]);
});

it("a name is nobody's guess: another folder gives the same bytes another one", async () => {
  const one = await openHosting();
  const two = await openHosting();
  const stage = (rig: typeof one) => rig.hosting.stage(OWNER, Buffer.from("same"), "png");
  expect((await stage(one)).name).not.toBe((await stage(two)).name);
});

describe("the quota", () => {
  it("of one owner is smaller than that of all, and named by its own setting", async () => {
    const maxOwnBytes = (owner: string) => (owner === OWNER ? undefined : 50);
    const { hosting } = await openHosting({ maxBytes: 100, maxOwnBytes });
    const next = expect.stringContaining("LONGCAT_MCP_HOSTED_BYTES_PER_USER");
    const large = Buffer.alloc(60);
    const refusal = { code: "storage", next };
    await expect(hosting.stage("user_a", large, "png")).rejects.toMatchObject(refusal);
    await expect(hosting.measure("user_a", large, "png")).rejects.toMatchObject(refusal);
    const half = await hosting.stage("user_a", Buffer.alloc(30, 1), "png");
    await hosting.reserve("user_a", "job_a", [half]);
    const more = await hosting.stage("user_a", Buffer.alloc(30, 2), "png");
    await expect(hosting.checkQuota("user_a", [more])).rejects.toMatchObject(refusal);
    await expect(hosting.reserve("user_a", "job_b", [more])).rejects.toMatchObject(refusal);
    const own = await hosting.stage(OWNER, large, "png");
    await hosting.reserve(OWNER, "job_c", [own]);
  });

  it("refuses what is larger by itself, and leaves nothing behind", async () => {
    const { hosting, folder } = await openHosting({ maxBytes: 100 });
    await expect(hosting.stage(OWNER, Buffer.alloc(101), "png")).rejects.toMatchObject({
      code: "storage",
      next: expect.stringContaining("LONGCAT_MCP_HOSTED_BYTES"),
    });
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(60);
      })(),
    );
    await expect(hosting.stage(OWNER, endless, "zip")).rejects.toMatchObject({ code: "storage" });
    expect(await filesIn(folder.path)).toEqual([]);
  });

  it("counts what running jobs need, each content once, and is free again when they end", async () => {
    const rig = await openHosting({ maxBytes: 100 });
    await publish(rig, "job_a", Buffer.alloc(60, "a"));
    await publish(rig, "job_b", Buffer.alloc(60, "a"));
    const more = await rig.hosting.stage(OWNER, Buffer.alloc(60, "b"), "png");
    await expect(rig.hosting.reserve(OWNER, "job_c", [more])).rejects.toMatchObject({
      code: "storage",
    });
    await rig.hosting.discard([more]);
    await rig.hosting.release(OWNER, "job_a");
    await rig.hosting.release(OWNER, "job_b");
    await publish(rig, "job_c", Buffer.alloc(60, "b"));
  });
});

it("what breaks off in its source belongs to the file, not to the disk", async () => {
  const { hosting, folder } = await openHosting();
  const broken = new Readable({ read: () => broken.destroy(new Error("gone")) });
  await expect(hosting.stage(OWNER, broken, "zip")).rejects.toMatchObject({
    code: "invalid_input",
  });
  expect(await filesIn(folder.path)).toEqual([]);
});

it("a job whose file is gone, or is not whole, is not sent", async () => {
  const rig = await openHosting();
  const staged = await publish(rig, "job_a", Buffer.from("whole"));
  await writeFile(join(rig.folder.path, staged.name), "cut");
  await expect(rig.hosting.publish(OWNER, "job_a", staged.url)).rejects.toMatchObject({
    code: "not_found",
  });
});

it("a job without files, or one that was cancelled, publishes nothing", async () => {
  const rig = await openHosting();
  await rig.hosting.publish(OWNER, "job_none", {});
  const staged = await rig.hosting.stage(OWNER, Buffer.from("x"), "png");
  await rig.hosting.reserve(OWNER, "job_a", [staged]);
  await rig.hosting.release(OWNER, "job_a");
  await rig.hosting.publish(OWNER, "job_a", staged.url);
  expect(await filesIn(rig.folder.path)).toEqual([]);
});

it("without an address, says so before anything is written", async () => {
  const { hosting, folder } = await openHosting({ address: undefined });
  const refusal = new AppError("invalid_input", "It needs an address.");
  await expect(hosting.requireAddress(refusal)).rejects.toBe(refusal);
  await expect(hosting.stage(OWNER, Buffer.from("x"), "png")).rejects.toMatchObject({
    code: "configuration",
  });
  expect(await filesIn(folder.path)).toEqual([]);
});

describe("the sweep", () => {
  it("removes files of starts whose process is gone, and never those of one that lives", async () => {
    const dead = await openHosting();
    const staged = await dead.hosting.stage(OWNER, Buffer.from("x"), "png");
    await dead.hosting.reserve(OWNER, "job_never_recorded", [staged]);
    await dead.hosting.publish(OWNER, "job_never_recorded", staged.url);
    const next = await openHosting({ data: dead.data });
    await next.hosting.sweep();
    expect(await filesIn(dead.folder.path)).toEqual([staged.name]);
    const last = await openHosting({ data: dead.data, isGone: () => true });
    await last.hosting.sweep();
    expect(await filesIn(dead.folder.path)).toEqual([]);
  });

  it("removes what a process that is gone has left half written, also that of earlier versions", async () => {
    const { hosting, folder } = await openHosting({ isGone: (holder) => holder === "gone" });
    const half = async (holder: string) => {
      const path = join(folder.path, "staging", Buffer.from(holder).toString("base64url"));
      await mkdir(path, { recursive: true });
      await writeFile(join(path, `${holder}.partial`), "half");
    };
    for (const holder of ["gone", "alive", "this-process"]) await half(holder);
    await writeFile(join(folder.path, `${"a".repeat(26)}.png.partial`), "half");
    await hosting.sweep();
    expect(await filesIn(folder.path)).toEqual(["alive.partial", "this-process.partial"]);
  });

  it("comes every hour, and lets what nobody speaks for lie for a day", async () => {
    const clock = new FakeClock();
    const { hosting, folder } = await openHosting({ clock });
    const old = `${"a".repeat(26)}.png`;
    await mkdir(folder.path, { recursive: true });
    await writeFile(join(folder.path, old), "of an earlier version");
    const seconds = clock.now() / 1000;
    await utimes(join(folder.path, old), seconds, seconds);
    await hosting.open();
    expect(await filesIn(folder.path)).toEqual([old]);
    await clock.advance(DAY_AND_MORE);
    await clock.advance(3_600_000);
    await until(async () => (await filesIn(folder.path)).length === 0, "the sweep");
  });
});

it("a key that was not written to its end is made anew", async () => {
  const { hosting, folder } = await openHosting();
  await mkdir(folder.path, { recursive: true });
  await writeFile(join(folder.path, "key"), "short");
  await hosting.stage(OWNER, Buffer.from("x"), "png");
  expect(await readFile(join(folder.path, "key"))).toHaveLength(32);
});
