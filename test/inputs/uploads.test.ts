import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, it, onTestFinished } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/core/clock.ts";
import { AppError } from "../../src/core/errors.ts";
import { HostedFolder } from "../../src/inputs/hosted-folder.ts";
import type { Upload } from "../../src/inputs/upload-record.ts";
import {
  eraseUploads,
  KEPT_DAYS,
  plainFilename,
  UPLOADS_FOLDER,
  Uploads,
  type UploadsOptions,
} from "../../src/inputs/uploads.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteUploadRecord } from "../../src/storage/sqlite/upload-rows.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { picture } from "../support/pictures.ts";
import { OWNER } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";
import { silentLog } from "../support/tool-deps.ts";

const MINUTE = 60_000;
const STRANGER = "somebody";
const ZIP_HEAD = Buffer.from("PK\x03\x04".padEnd(64, "z"));

/** Uploads of at most 5,000 bytes, archives of 9,000, within fifteen minutes. */
async function openUploads(change: Partial<UploadsOptions> = {}) {
  const data = await tempDir();
  const connection = new Connection(data);
  onTestFinished(() => connection.close());
  // Files have the times of this machine.
  const clock = new FakeClock(Date.now());
  const folder = new HostedFolder(join(data, UPLOADS_FOLDER), "this-process");
  const options: UploadsOptions = {
    ...{ folder, record: new SqliteUploadRecord(connection), clock, log: silentLog },
    limits: { minutes: 15, bytes: 5_000, archiveBytes: 9_000 },
    isGone: () => false,
    base: async () => "https://files.example/below",
    mayCall: async () => true,
    checkRoom: async () => undefined,
    reached: () => {},
    ...change,
  };
  const uploads = new Uploads(options);
  onTestFinished(() => uploads.close());
  const entries = async () =>
    (await readdir(folder.path, { recursive: true, withFileTypes: true }).catch(() => []))
      .filter((one) => one.isFile())
      .map(({ name }) => name);
  const invite = async (filename?: string, owner = OWNER) => {
    const { uploadId, url, endsAt } = await uploads.invite(owner, filename);
    const secret = url.split("/").at(-1) ?? "";
    const upload = await uploads.bySecret(secret);
    return { uploadId, secret, url, endsAt, upload: upload ?? expect.fail("it is not there") };
  };
  const send = (upload: Upload, content: Buffer | string, announced?: number) =>
    uploads.receive(upload, piecesOf(content), announced);
  return { ...{ uploads, options, clock, folder, entries, invite, send } };
}

/** As they come from a socket. */
function piecesOf(content: Buffer | string): Readable {
  const bytes = Buffer.from(content);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 700) pieces.push(bytes.subarray(at, at + 700));
  return Readable.from(pieces);
}

it("an address is over after its minutes, to the millisecond, also for a file that is coming", async () => {
  const { uploads, clock, invite, send, entries } = await openUploads();
  const { url, secret, endsAt, upload } = await invite();
  expect(url).toMatch(/^https:\/\/files\.example\/below\/uploads\/[a-z2-7]{26}$/);
  expect(endsAt).toBe(clock.now() + 15 * MINUTE);
  clock.sleep(15 * MINUTE - 1);
  expect(await uploads.bySecret(secret)).toBeDefined();
  const slow = Readable.from(
    (async function* () {
      yield Buffer.from("begun in time, ");
      clock.sleep(1);
      yield Buffer.from("and over too late");
    })(),
  );
  expect(await uploads.receive(upload, slow, undefined)).toEqual({ came: "gone" });
  expect(await uploads.bySecret(secret)).toBeUndefined();
  expect(await send(upload, "late")).toEqual({ came: "gone" });
  expect(await entries()).toEqual([]);
});

it("a file is used for seven days, and goes from the disk with the next sweep", async () => {
  const { uploads, clock, invite, send, entries } = await openUploads();
  const { uploadId, upload, secret } = await invite("notes.md");
  await expect(uploads.find(OWNER, uploadId, "text")).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringContaining("has not been uploaded yet"),
  });
  await send(upload, "# Notes\n");
  const found = await uploads.find(OWNER, uploadId, "text");
  expect(found).toMatchObject({ name: "notes.md", kind: "text", sizeBytes: 8 });
  clock.sleep(KEPT_DAYS * DAY_MS - 1);
  expect(await uploads.find(OWNER, uploadId, "text")).toEqual(found);
  await uploads.sweep();
  expect(await entries()).toHaveLength(1);
  clock.sleep(1);
  await expect(uploads.find(OWNER, uploadId, "text")).rejects.toMatchObject({ code: "not_found" });
  expect(await uploads.bySecret(secret)).toBeUndefined();
  await uploads.sweep();
  expect(await entries()).toEqual([]);
});

it("is swept every hour by itself, and what is a moment old and unknown is left", async () => {
  const { uploads, clock, folder, entries } = await openUploads();
  await mkdir(folder.path, { recursive: true });
  const named = (letter: string) => `${letter.repeat(26)}.txt`;
  const write = async (name: string, ageMs: number) => {
    await writeFile(join(folder.path, name), "x");
    const at = new Date(clock.now() - ageMs);
    await utimes(join(folder.path, name), at, at);
  };
  await write(named("a"), HOUR_MS);
  await write(`${named("b")}.ready`, HOUR_MS);
  await write(named("c"), HOUR_MS / 2);
  await write("notes.of.somebody", HOUR_MS);
  await uploads.open();
  expect((await entries()).sort()).toEqual([named("c"), "notes.of.somebody"]);
  await clock.advance(HOUR_MS - 1);
  expect(await entries()).toContain(named("c"));
  await clock.advance(1);
  await expect.poll(entries).toEqual(["notes.of.somebody"]);
});

it.each([
  ["a picture", async () => await picture("png", { width: 9 }), "picture"],
  ["an archive", async () => ZIP_HEAD, "archive"],
  ["a text", async () => Buffer.from("Grüße"), "text"],
] as const)("%s is what its bytes are, not what it is called", async (_what, bytes, kind) => {
  const { uploads, invite, send } = await openUploads();
  for (const name of ["a.png", "a.zip", "a.txt", undefined]) {
    const { uploadId, upload } = await invite(name);
    expect(await send(upload, await bytes())).toMatchObject({ came: "received", file: { kind } });
    const others = (["picture", "archive", "text"] as const).filter((one) => one !== kind);
    for (const other of others) {
      await expect(uploads.find(OWNER, uploadId, other)).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringMatching(/ is a .*, not a /),
      });
    }
  }
});

it.each([
  ["text", "a.txt", Buffer.alloc(5_001, "a"), 5_000],
  ["text without a name", undefined, Buffer.alloc(5_001, "a"), 5_000],
  ["an archive", "a.zip", Buffer.concat([ZIP_HEAD, Buffer.alloc(8_937)]), 9_000],
  ["an archive that is called a picture", "a.png", Buffer.alloc(6_000, ZIP_HEAD), 5_000],
] as const)(
  "%s of one byte too many is refused, announced or not; one less is taken",
  async (_what, name, bytes, maxBytes) => {
    const { invite, send, entries } = await openUploads();
    const { upload } = await invite(name);
    const refused = { came: "too_large", maxBytes };
    expect(await send(upload, bytes)).toEqual(refused);
    expect(await send(upload, bytes, bytes.length)).toEqual(refused);
    expect(await entries()).toEqual([]);
    expect(await send(upload, bytes.subarray(0, maxBytes))).toMatchObject({ came: "received" });
  },
);

it("of what is announced too large not a byte is read", async () => {
  const { uploads, invite } = await openUploads();
  const { upload } = await invite("a.png");
  const content = Readable.from(
    (function* () {
      expect.fail("it was read");
      yield Buffer.alloc(0);
    })(),
  );
  const receipt = await uploads.receive(upload, content, 5_001);
  expect(receipt).toEqual({ came: "too_large", maxBytes: 5_000 });
  content.destroy();
});

it("what is cut leaves nothing, and its address takes the whole file afterwards", async () => {
  const { uploads, invite, send, entries } = await openUploads();
  const { upload } = await invite();
  const cut = Readable.from(
    (async function* () {
      yield Buffer.alloc(4_500, "a");
      throw new AppError("cancelled", "Somebody has gone.");
    })(),
  );
  await expect(uploads.receive(upload, cut, 4_900)).rejects.toMatchObject({ code: "cancelled" });
  expect(await entries()).toEqual([]);
  expect(await send(upload, "whole")).toMatchObject({ came: "received" });
});

it("of two whole files at a time the first one stays, and the other one leaves nothing", async () => {
  const { invite, send, entries } = await openUploads();
  const { upload } = await invite();
  const receipts = await Promise.all(["one", "two", "three"].map((text) => send(upload, text)));
  expect(receipts.map(({ came }) => came).sort()).toEqual(["received", "used", "used"]);
  expect(await entries()).toHaveLength(1);
});

it("an owner's files never have more bytes than there is room for, however many come at a time", async () => {
  const { invite, send, entries } = await openUploads({ checkRoom: async () => 100 });
  const invited = await Promise.all(Array.from({ length: 8 }, () => invite()));
  const receipts = await Promise.all(
    invited.map(({ upload }) => send(upload, Buffer.alloc(30, "a"))),
  );
  const came = receipts.map((receipt) => receipt.came).sort();
  expect(came).toEqual([...Array(5).fill("full"), ...Array(3).fill("received")]);
  expect(await entries()).toHaveLength(3);
});

it("a full disk or quota is said before and after, and the address stays usable", async () => {
  let room = 10;
  const { invite, send, entries } = await openUploads({
    checkRoom: async (_owner, bytes) => {
      if (bytes > room) throw new AppError("storage", "It is full.");
      return undefined;
    },
  });
  const { upload } = await invite();
  await expect(send(upload, "eleven byte", 11)).rejects.toMatchObject({ code: "storage" });
  await expect(send(upload, "eleven byte")).rejects.toMatchObject({ code: "storage" });
  expect(await entries()).toEqual([]);
  room = 11;
  expect(await send(upload, "eleven byte")).toMatchObject({ came: "received" });
});

it("whoever is revoked has no address any more, also for a file that is coming", async () => {
  const revoked = new Set<string>();
  const { uploads, invite, send, entries } = await openUploads({
    mayCall: async (owner) => !revoked.has(owner),
  });
  const { upload, secret } = await invite();
  const others = await invite("b.txt", STRANGER);
  const slow = Readable.from(
    (async function* () {
      yield Buffer.from("begun before");
      revoked.add(OWNER);
    })(),
  );
  expect(await uploads.receive(upload, slow, undefined)).toEqual({ came: "gone" });
  expect(await uploads.bySecret(secret)).toBeUndefined();
  expect(await entries()).toEqual([]);
  expect(await send(others.upload, "theirs")).toMatchObject({ came: "received" });
});

it("whoever is erased has no address and no file any more, also of one that is coming", async () => {
  const { uploads, options, invite, send, entries } = await openUploads();
  const done = await invite("done.txt");
  await send(done.upload, "done");
  const theirs = await invite("b.txt", STRANGER);
  await send(theirs.upload, "theirs");
  const coming = await invite("coming.txt");
  const slow = Readable.from(
    (async function* () {
      yield Buffer.from("begun before");
      await eraseUploads(options, OWNER);
    })(),
  );
  expect(await uploads.receive(coming.upload, slow, undefined)).toEqual({ came: "gone" });
  expect(await entries()).toHaveLength(1);
  expect(await uploads.bySecret(done.secret)).toBeUndefined();
  await expect(uploads.find(OWNER, done.uploadId, "text")).rejects.toMatchObject({
    code: "not_found",
  });
  expect(await uploads.find(STRANGER, theirs.uploadId, "text")).toMatchObject({ name: "b.txt" });
});

it("another's upload is as one that never was, whatever it is", async () => {
  const { uploads, invite, send } = await openUploads();
  const used = await invite("notes.md");
  await send(used.upload, "# Notes");
  const unused = await invite();
  const heard = await Promise.all(
    [used.uploadId, unused.uploadId, "a".repeat(26)].map((id) =>
      uploads.find(STRANGER, id, "text").catch((error: unknown) => {
        return String(error).replaceAll(id, "IT");
      }),
    ),
  );
  expect(new Set(heard).size).toBe(1);
});

it("nobody has more than a hundred addresses that are unused", async () => {
  const { uploads, clock } = await openUploads();
  for (let n = 0; n < 100; n++) await uploads.invite(OWNER, undefined);
  await expect(uploads.invite(OWNER, undefined)).rejects.toMatchObject({ code: "rate_limited" });
  await uploads.invite(STRANGER, undefined);
  clock.sleep(15 * MINUTE);
  await uploads.invite(OWNER, undefined);
});

it.each([
  ["notes.md", "notes.md"],
  ["../../etc/passwd", "passwd"],
  ["C:\\Users\\ann\\cat.png", "cat.png"],
  ["/", undefined],
  ["..", undefined],
  ["...", undefined],
  [" \t\n", undefined],
  ["a\0b.png", "ab.png"],
  ["cat\u202egnp.exe", "catgnp.exe"],
  ["two\r\nlines.txt", "two lines.txt"],
  ["<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"],
])("what %j is called here leads nowhere", (given, expected) => {
  expect(plainFilename(given)).toBe(expected);
});

it("a name has its beginning where it is too long", () => {
  expect(plainFilename("x".repeat(10_000))).toBe(`${"x".repeat(200)}…`);
});
