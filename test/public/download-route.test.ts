import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { AppError, toAppError } from "../../src/core/errors.ts";
import type { WholeJob } from "../../src/jobs/job.ts";
import { DiskStore } from "../../src/media/disk-store.ts";
import type { LinkWishes, MediaStore } from "../../src/media/media-store.ts";
import { asAttachment } from "../../src/public/attachment.ts";
import { DownloadLinks, type LinkedFile } from "../../src/public/download-links.ts";
import { DownloadRoute } from "../../src/public/download-route.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { leftJob, OWNER, recordJob } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

const BYTES = Buffer.from(Array.from({ length: 1_000 }, (_, n) => n % 251));
const FILE: Omit<LinkedFile, "jobId"> = { owner: OWNER, index: 1 };
const STRANGER = "user_bbbbbbbbbbbbbbbbbbbbbbbbbb";

let data: string;
let clock: FakeClock;
let revoked: Set<string>;
let job: WholeJob;
let store: SqliteJobStore;
let media: DiskStore;
let path: string;

beforeEach(async () => {
  data = await tempDir();
  clock = new FakeClock(Date.parse("2026-11-20T12:20:00Z"));
  revoked = new Set();
  store = openStore();
  const places = { allowedDirs: [], workingDir: data, homeDir: data, homeOwner: OWNER };
  media = new DiskStore({ ...places, outputDir: join(data, "out") });
  job = leftJob({ baseUrl: "https://gateway.example", state: "completed", charge: "spent" });
  const { jobId, operation, createdAt } = job;
  const naming = { jobId, operation, createdAt, owner: OWNER, index: 1, words: "A cat" };
  await media.makeRoom(OWNER);
  path = (await media.put(BYTES, { ...naming, extension: "png" })).ref;
  const medium = {
    ...{ index: 1, url: "https://a.example/1.png", path, mimeType: "image/png" },
    ...{ sizeBytes: BYTES.length, sha256: "ab", copies: [] },
  };
  await recordJob(store, { ...job, media: [medium] }, "me");
});

function openStore(at = data): SqliteJobStore {
  const connection = new Connection(at);
  onTestFinished(() => connection.close());
  return new SqliteJobStore(connection);
}

/** As a process that has just been started makes them. */
async function openLinks(own = store, hours = 2): Promise<DownloadLinks> {
  return new DownloadLinks({
    key: Buffer.from(await own.digest("the key of download links"), "hex"),
    ...{ hours, clock, base: async () => "https://files.example/below" },
    async ownerOf(jobId) {
      const owner = await store.ownerOf(jobId);
      return owner === undefined || revoked.has(owner) ? undefined : owner;
    },
  });
}

async function linkTo(links: DownloadLinks, file: LinkedFile = { ...FILE, jobId: job.jobId }) {
  const maker = await links.maker(toAppError);
  if ("refusal" in maker) expect.fail(maker.refusal.message);
  return {
    url: maker.addressOf(file),
    until: maker.until,
    secret: secretIn(maker.addressOf(file)),
  };
}

const secretIn = (url: string) => url.slice(url.lastIndexOf("/") + 1);

async function serve(
  links: DownloadLinks,
  kept: MediaStore = media,
): Promise<(secret: string) => string> {
  const route = new DownloadRoute({ links, store, media: kept });
  const server = createServer((request, response) => {
    void route.answer(request, response, secretIn(request.url ?? ""));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return (secret) => `http://127.0.0.1:${port}/media/${secret}`;
}

it("a link holds after a restart, and in every process on the record; none holds on another record", async () => {
  const { secret } = await linkTo(await openLinks());
  const restarted = await openLinks(openStore());
  expect(await restarted.read(secret)).toMatchObject({ jobId: job.jobId });
  expect((await linkTo(restarted)).secret).toBe(secret);
  const elsewhere = await openLinks(openStore(await tempDir()));
  expect(await elsewhere.read(secret)).toBeUndefined();
  expect(await (await openLinks()).read((await linkTo(elsewhere)).secret)).toBeUndefined();
});

it("a link ends with its job, with its user, and with whoever the job belongs to", async () => {
  const links = await openLinks();
  const { secret } = await linkTo(links);
  revoked.add(OWNER);
  expect(await links.read(secret)).toBeUndefined();
  revoked.clear();
  expect(await links.read(secret)).toBeDefined();
  // What was signed for somebody else is not taken for the owner's.
  const others = await linkTo(links, { ...FILE, owner: STRANGER, jobId: job.jobId });
  expect(others.secret).not.toBe(secret);
  expect(await links.read(others.secret)).toBeUndefined();
  await store.delete(OWNER, [job.jobId], { withFiles: false, now: 1 });
  expect(await links.read(secret)).toBeUndefined();
});

it.each<[string, string, number, [number, number] | undefined]>([
  ["the first bytes", "bytes=0-9", 206, [0, 9]],
  ["some in the middle", "bytes=100-199", 206, [100, 199]],
  ["from one on", "bytes=990-", 206, [990, 999]],
  ["the last ones", "bytes=-10", 206, [990, 999]],
  ["more of the last ones than there are", "bytes=-5000", 206, [0, 999]],
  ["beyond the end", "bytes=990-5000", 206, [990, 999]],
  ["one byte", "bytes=999-999", 206, [999, 999]],
  ["behind the end", "bytes=1000-", 416, undefined],
  ["none of the last ones", "bytes=-0", 416, undefined],
  ["a number without end", `bytes=${"9".repeat(40)}-`, 416, undefined],
  ["backwards, which is no range", "bytes=9-0", 200, [0, 999]],
  ["several, which it may answer whole", "bytes=0-1,5-6", 200, [0, 999]],
  ["another unit", "lines=0-1", 200, [0, 999]],
  ["no numbers", "bytes=a-b", 200, [0, 999]],
  ["nothing", "bytes=-", 200, [0, 999]],
])("a range: %s", async (_what, range, status, expected) => {
  const links = await openLinks();
  const at = await serve(links);
  const url = at((await linkTo(links)).secret);
  const reply = await fetch(url, { headers: { range } });
  expect(reply.status).toBe(status);
  const bytes = Buffer.from(await reply.arrayBuffer());
  const [start, end] = expected ?? [0, -1];
  expect(bytes).toEqual(BYTES.subarray(start, end + 1));
  const told = { 206: `bytes ${start}-${end}/1000`, 416: "bytes */1000", 200: null }[status];
  expect(reply.headers.get("content-range")).toBe(told);
  const head = await fetch(url, { method: "HEAD", headers: { range } });
  expect([head.status, head.headers.get("content-length")]).toEqual([200, "1000"]);
  expect(await head.text()).toBe("");
});

it("a file is for whoever has the link alone: no cache keeps it, no page shows it, no address is told on", async () => {
  const links = await openLinks();
  const at = await serve(links);
  const { secret } = await linkTo(links);
  for (const method of ["GET", "HEAD"]) {
    const reply = await fetch(at(secret), { method });
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      "content-type": "image/png",
      "content-disposition": asAttachment(basename(path)),
      "cache-control": "private, no-store",
      "referrer-policy": "no-referrer",
      "content-security-policy": "default-src 'none'; sandbox",
      "accept-ranges": "bytes",
    });
  }
  for (const gone of [`${secret}A`, "x"]) {
    const reply = await fetch(at(gone));
    expect(reply.status).toBe(404);
    expect(reply.headers.get("cache-control")).toBe("private, no-store");
    expect(await reply.text()).toContain("ask for the file again");
  }
  await media.delete(OWNER, path);
  expect((await fetch(at(secret))).status).toBe(404);
});

it("a part is of the same file, or the whole one comes", async () => {
  const links = await openLinks();
  const at = await serve(links);
  const url = at((await linkTo(links)).secret);
  const etag = (await fetch(url, { method: "HEAD" })).headers.get("etag") ?? "";
  const part = (condition: string) =>
    fetch(url, { headers: { range: "bytes=0-9", "if-range": condition } });
  expect((await part(etag)).status).toBe(206);
  expect((await part('"another"')).status).toBe(200);
  expect((await fetch(url, { headers: { "if-none-match": etag } })).status).toBe(304);
});

it.each([
  ["cat.png", `attachment; filename="cat.png"; filename*=UTF-8''cat.png`],
  ['a"; x="b', `attachment; filename="a__ x__b"; filename*=UTF-8''a%22%3B%20x%3D%22b`],
  [
    "a\r\nSet-Cookie: b",
    `attachment; filename="a__Set-Cookie_ b"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20b`,
  ],
  [
    "../../etc/passwd",
    `attachment; filename=".._.._etc_passwd"; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd`,
  ],
  [
    "Größe (1)'*.png",
    `attachment; filename="Gr__e (1)__.png"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%281%29%27%2A.png`,
  ],
  ["cat\u202egnp.exe", `attachment; filename="cat_gnp.exe"; filename*=UTF-8''cat%E2%80%AEgnp.exe`],
  ["half \ud83e", `attachment; filename="half _"; filename*=UTF-8''half%20%EF%BF%BD`],
])("a name in a header stays a name: %j", (name, expected) => {
  expect(asAttachment(name)).toBe(expected);
  expect(new Headers({ "content-disposition": asAttachment(name) })).toBeDefined();
});

/** A store as a bucket is: whoever may have a file gets an address of it. */
class LinkingStore extends DiskStore {
  readonly wishes: LinkWishes[] = [];
  isAway = false;

  override async url(_owner: string, _ref: string, wishes: LinkWishes): Promise<string> {
    this.wishes.push(wishes);
    return "https://s3.example.com/files/1.png?X-Amz-Signature=abc";
  }

  override async stat(...asked: Parameters<DiskStore["stat"]>) {
    if (this.isAway) throw new AppError("storage", "s3.example.com is away.");
    return super.stat(...asked);
  }
}

it("a file in a bucket is had there, by whoever was let in here", async () => {
  const places = { allowedDirs: [], workingDir: data, homeDir: data, homeOwner: OWNER };
  const linking = new LinkingStore({ ...places, outputDir: join(data, "out") });
  const links = await openLinks();
  const at = await serve(links, linking);
  const { secret } = await linkTo(links);
  for (const method of ["GET", "HEAD"] as const) {
    const reply = await fetch(at(secret), { method, redirect: "manual" });
    expect(reply.status).toBe(302);
    expect(reply.headers.get("location")).toMatch(/^https:\/\/s3\.example\.com\//);
    expect(reply.headers.get("cache-control")).toBe("no-store");
    expect(linking.wishes.at(-1)).toEqual({
      seconds: 60,
      mimeType: "image/png",
      disposition: asAttachment(basename(path)),
      method,
    });
  }
  const asked = linking.wishes.length;
  expect((await fetch(at(`${secret}x`), { redirect: "manual" })).status).toBe(404);
  expect(linking.wishes.length).toBe(asked);
  linking.isAway = true;
  const later = await fetch(at(secret), { redirect: "manual" });
  expect([later.status, later.headers.get("retry-after")]).toEqual([503, "10"]);
  expect(await later.text()).not.toContain("s3.example.com");
});
