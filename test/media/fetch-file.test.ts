import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { BucketStore } from "../../src/media/bucket-store.ts";
import { fetchFile } from "../../src/media/fetch-file.ts";
import type { KeepOptions } from "../../src/media/media-store.ts";
import { PartialFile } from "../../src/media/partial-file.ts";
import { type BucketFault, FakeBucket } from "../support/fake-bucket.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { noise, picture, talkativeJpeg } from "../support/pictures.ts";
import { type Answer, type RawServer, rawServer } from "../support/raw-server.ts";
import { OWNER } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

const NAMING = {
  owner: OWNER,
  operation: "z_image_turbo_generate",
  words: "A red fox",
  jobId: "job_abcdefghijklmnopqrstuvwxyz",
  index: 1,
  createdAt: Date.parse("2026-11-20T12:00:00Z"),
};
const UNSIGNED = "UNSIGNED-PAYLOAD";
const MIB = 1024 * 1024;

let bucket: FakeBucket;
let clock: FakeClock;
let folder: string;
let store: BucketStore;
let points: string[];
let said: string[];

beforeEach(async () => {
  [bucket, folder] = [await FakeBucket.open(), await tempDir()];
  clock = new FakeClock();
  store = openStore();
  points = [];
  said = [];
});

function openStore(endpoint?: string): BucketStore {
  const client = bucket.client(clock);
  if (endpoint !== undefined) {
    Reflect.defineProperty(client, "address", { value: { ...client.address, endpoint } });
  }
  return new BucketStore({
    ...{ client, clock, homeOwner: OWNER, hasLinks: true },
    draftsDir: join(folder, "drafts"),
  });
}

/** Fetches it as jobs do. */
async function fetchFrom(
  url: string,
  how: KeepOptions = {},
  change: { weights?: boolean; isFirstTry?: boolean; media?: BucketStore } = {},
) {
  const http = new HttpClient();
  onTestFinished(() => http.close());
  const { media = store, weights = false, isFirstTry = true } = change;
  const trustedOrigins = [new URL(url).origin];
  const partial = new PartialFile(url, media.newDraft(NAMING));
  return fetchFile(
    partial,
    { naming: NAMING, weights, isFirstTry },
    { media, http, clock, trustedOrigins, reached: (point) => points.push(point) },
    { waiting: (why) => said.push(why), ...how },
  ).catch(async (error: unknown) => {
    await partial.discard();
    throw error;
  });
}

const served =
  (bytes: Buffer, headers: Record<string, string> = {}): Answer =>
  (_hit, response) => {
    response.writeHead(200, { "content-length": String(bytes.length), ...headers });
    response.end(bytes);
  };
const digestOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const puts = () => bucket.hits.filter(({ method }) => method === "PUT");
/** How each write was signed: without its digest, or with it. */
const ways = () =>
  puts().map(({ headers }) => (headers["x-amz-content-sha256"] === UNSIGNED ? "past" : "disk"));
const drafts = () => readdir(join(folder, "drafts"), { recursive: true });
const only = () => {
  expect(bucket.files.size).toBe(1);
  const [[key, file] = []] = bucket.files;
  return { key: key ?? "", bytes: file?.bytes ?? Buffer.alloc(0) };
};
const failOnce = (fault: BucketFault) => {
  bucket.fault = ({ method }) => (method === "PUT" && puts().length === 1 ? fault : undefined);
};

describe("a file of which it is known how long it is", () => {
  it.each([
    ["png", "image/png", "png"],
    ["jpeg", "image/jpeg", "jpg"],
  ] as const)(
    "goes past the disk in one write, and all is known of it: %s",
    async (format, mimeType, extension) => {
      const bytes = await noise(format, { width: 1100, height: 900 });
      const server = await rawServer(served(bytes));
      expect(await fetchFrom(server.origin)).toMatchObject({
        ...{ mimeType, sizeBytes: bytes.length, sha256: digestOf(bytes) },
        ...{ facts: { width: 1100, height: 900 }, ref: only().key },
      });
      expect(only().key).toMatch(new RegExp(`-1\\.${extension}$`));
      expect(only().bytes.equals(bytes)).toBe(true);
      expect(puts().map(({ headers }) => headers["content-length"])).toEqual([`${bytes.length}`]);
      expect([ways(), server.hits.length]).toEqual([["past"], 1]);
      expect(await drafts()).toEqual([OWNER]);
      expect(points).toEqual(["before-download", "before-rename", "after-rename"]);
      expect(said).toEqual([]);
    },
  );

  it.each([1, 2, 4_099, 4_100, 4_101, 65_536, 262_143, 262_144, 262_145, MIB])(
    "is kept byte for byte, of %i bytes",
    async (length) => {
      const bytes = Buffer.alloc(length, "0123456789");
      const server = await rawServer(served(bytes));
      const got = await fetchFrom(`${server.origin}/x.safetensors`, {}, { weights: true });
      expect(got).toMatchObject({ sizeBytes: length, sha256: digestOf(bytes), facts: undefined });
      expect(only().bytes.equals(bytes)).toBe(true);
      expect(only().key).toMatch(/\.safetensors$/);
      expect(ways()).toEqual(["past"]);
    },
  );

  it("is written while it comes, however slowly, and not before it is known what it is", async () => {
    const bytes = await noise("png");
    let goOn = () => {};
    const server = await rawServer((_hit, response) => {
      response.writeHead(200, { "content-length": String(bytes.length) });
      response.write(bytes.subarray(0, 5_000));
      goOn = () => {
        goOn = () => response.end(bytes.subarray(400_000));
        response.write(bytes.subarray(5_000, 400_000));
      };
    });
    const kept = fetchFrom(server.origin);
    await expect.poll(() => server.hits.length).toBe(1);
    expect(puts()).toEqual([]);
    goOn();
    await expect.poll(() => puts().length).toBe(1);
    expect(bucket.files.size).toBe(0);
    goOn();
    await kept;
    expect(only().bytes.equals(bytes)).toBe(true);
  });

  it("says what it is behind much that a camera has said", async () => {
    const [much, tooMuch] = [await talkativeJpeg(180_000), await talkativeJpeg(400_000)];
    for (const bytes of [much, tooMuch]) {
      const server = await rawServer(served(bytes));
      const got = await fetchFrom(server.origin);
      expect(got.facts).toEqual({ width: 700, height: 500 });
    }
    // Of the other one the disk tells.
    expect(ways()).toEqual(["past", "disk"]);
  });

  it.each(["webp", "tiff"] as const)(
    "lies here first, fetched once, where its beginning does not tell all: %s",
    async (format) => {
      const bytes = await noise(format);
      const server = await rawServer(served(bytes));
      expect(await fetchFrom(server.origin)).toMatchObject({
        ...{ mimeType: `image/${format}`, sha256: digestOf(bytes) },
        facts: { width: 700, height: 500 },
      });
      expect([ways(), server.hits.length]).toEqual([["disk"], 1]);
      expect(only().bytes.equals(bytes)).toBe(true);
      expect(await drafts()).toEqual([OWNER]);
    },
  );

  it("is called the same by whichever way it comes, at whichever replica", async () => {
    const bytes = await noise("png");
    const server = await rawServer(served(bytes));
    const past = await fetchFrom(server.origin);
    const disk = await fetchFrom(server.origin, {}, { media: openStore(), isFirstTry: false });
    expect(disk).toMatchObject({ ...past });
    expect(only().bytes.equals(bytes)).toBe(true);
    expect(ways()).toEqual(["past", "disk"]);
  });
});

describe("what lies here first", () => {
  it("is what nobody has said the length of", async () => {
    const bytes = await noise("png");
    const server = await rawServer((_hit, response) => response.writeHead(200).end(bytes));
    const broken = await rawServer((_hit, response) => {
      response.writeHead(200).write(bytes.subarray(0, 300_000));
      response.end(bytes.subarray(300_000));
    });
    for (const { origin } of [server, broken]) {
      expect(await fetchFrom(origin)).toMatchObject({ sizeBytes: bytes.length });
    }
    expect(ways()).toContain("disk");
    expect(only().bytes.equals(bytes)).toBe(true);
  });

  it("is what was tried before", async () => {
    const server = await rawServer(served(await picture()));
    await fetchFrom(server.origin, {}, { isFirstTry: false });
    expect(ways()).toEqual(["disk"]);
  });

  it("is what is too large to be fetched twice", async () => {
    const server = await rawServer((_hit, response) => {
      response.writeHead(200, { "content-length": String(65 * MIB) });
      response.write(Buffer.alloc(MIB, "x"), () => response.destroy());
    });
    const url = `${server.origin}/x.safetensors`;
    await expect(fetchFrom(url, {}, { weights: true })).rejects.toMatchObject({
      kind: "transient",
    });
    expect(puts()).toEqual([]);
  });

  it("is what would go unsigned where somebody on the way could change it", async () => {
    expect(openStore("http://bucket.example:8080").straight()).toBeUndefined();
    expect(openStore("http://10.0.0.1").straight()).toBeUndefined();
    expect(openStore("https://bucket.example").straight()).toBeTypeOf("function");
    expect(openStore().straight()).toBeTypeOf("function");
  });
});

describe("a provider", () => {
  const failure = async (answer: Answer, path = "/a.png") => {
    const server = await rawServer(answer);
    const error: unknown = await fetchFrom(server.origin + path).catch((thrown: unknown) => thrown);
    expect(bucket.files.size).toBe(0);
    expect(await drafts()).toEqual([OWNER]);
    return error;
  };

  it("whose transfer breaks off leaves nothing of it anywhere, and the bucket is not blamed", async () => {
    const bytes = await noise("png");
    const error = await failure((_hit, response) => {
      response.writeHead(200, { "content-length": String(bytes.length) });
      response.write(bytes.subarray(0, 600_000), () =>
        expect
          .poll(() => puts().length)
          .toBe(1)
          .then(() => response.destroy()),
      );
    });
    expect(error).toMatchObject({ kind: "transient" });
    expect(ways()).toEqual(["past"]);
    expect(said).toEqual([]);
    expect(store.straight()).toBeTypeOf("function");
  });

  it.each([
    ["promises more than it sends", 1],
    ["promises less than it sends", -1],
  ])("that %s has nothing kept but what it promised", async (_what, more) => {
    const bytes = await noise("png");
    const server = await rawServer((_hit, response) => {
      const length = bytes.length + more;
      response.socket?.end(
        Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`), bytes]),
      );
    });
    const got = await fetchFrom(server.origin).catch((error: unknown) => error);
    if (more > 0) expect(got).toMatchObject({ kind: "transient" });
    for (const { bytes: kept } of bucket.files.values()) expect(kept.length).toBe(bytes.length - 1);
    expect(bucket.files.size).toBe(more > 0 ? 0 : 1);
  });

  it.each<[string, Answer, object]>([
    ["that is not there", (_hit, response) => response.writeHead(404).end(), { kind: "gone" }],
    ["that is broken", (_hit, response) => response.writeHead(500).end(), { kind: "transient" }],
    [
      "with a page in its place",
      served(Buffer.from(`<!doctype html>${" ".repeat(9_000)}`)),
      { kind: "unusable" },
    ],
    ["with nothing in it", served(Buffer.alloc(0)), { message: "the file is empty" }],
    [
      "with more than a picture has",
      (_hit, response) => response.writeHead(200, { "content-length": String(65 * MIB) }).end(),
      { kind: "refused" },
    ],
  ])("%s fails as ever, and the bucket hears nothing of it", async (_what, answer, expected) => {
    expect(await failure(answer)).toMatchObject(expected);
    expect(bucket.hits).toEqual([]);
  });
});

describe("a bucket", () => {
  let bytes: Buffer;
  let server: RawServer;

  beforeEach(async () => {
    bytes = await noise("png", { width: 1100, height: 900 });
    server = await rawServer(served(bytes));
  });

  it.each<BucketFault>([
    { status: 500 },
    { status: 503, code: "SlowDown" },
    { status: 503, code: "SlowDown", hasty: true },
    { status: 403, code: "AccessDenied" },
    "cut",
    "cut in the middle",
  ])("that fails with %j gets it by the disk, which is said", async (fault) => {
    failOnce(fault);
    const got = await fetchFrom(server.origin);
    expect(got).toMatchObject({ sha256: digestOf(bytes), facts: { width: 1100, height: 900 } });
    expect(only().bytes.equals(bytes)).toBe(true);
    expect([ways(), server.hits.length]).toEqual([["past", "disk"], 2]);
    expect(said).toEqual([expect.stringContaining("The bucket for files cannot be used: ")]);
    expect(await drafts()).toEqual([OWNER]);
  });

  it("whose answer was lost has the file once", async () => {
    bucket.loseAnswer = ({ method }) => method === "PUT";
    await fetchFrom(server.origin);
    expect(only().bytes.equals(bytes)).toBe(true);
    expect(ways()).toEqual(["past", "disk"]);
  });

  it("that says it has all before it has is not believed", async () => {
    failOnce({ status: 200, hasty: true });
    const slow = await rawServer((_hit, response) => {
      response.writeHead(200, { "content-length": String(bytes.length) });
      response.write(bytes.subarray(0, -1));
      if (slow.hits.length > 1) response.end(bytes.subarray(-1));
    });
    await fetchFrom(slow.origin);
    expect(only().bytes.equals(bytes)).toBe(true);
    expect(ways()).toEqual(["past", "disk"]);
  });

  it.each([false, true])(
    "that refuses the keys (at once: %s) is told of, and not tried again",
    async (hasty) => {
      bucket.fault = () => ({ status: 403, code: "SignatureDoesNotMatch", hasty });
      await expect(fetchFrom(server.origin)).rejects.toMatchObject({ code: "configuration" });
      expect([ways(), server.hits.length, said]).toEqual([["past"], 1, []]);
      expect(await drafts()).toEqual([OWNER]);
    },
  );

  it("is trusted less, the more often it has failed that way, and again once it has not", async () => {
    const isTrusted = () => store.straight() !== undefined;
    for (const waitMs of [30_000, 60_000, 120_000]) {
      const before = puts().length;
      bucket.fault = ({ method }) =>
        method === "PUT" && puts().length === before + 1 ? { status: 501 } : undefined;
      await fetchFrom(server.origin);
      // That what is signed is taken says nothing of what is not.
      expect(isTrusted()).toBe(false);
      await clock.advance(waitMs - 1);
      expect(isTrusted()).toBe(false);
      await clock.advance(1);
      expect(isTrusted()).toBe(true);
    }
    await fetchFrom(server.origin);
    expect(ways().at(-1)).toBe("past");
    failOnce({ status: 501 });
    bucket.hits.length = 0;
    await fetchFrom(server.origin);
    await clock.advance(30_000);
    expect(isTrusted()).toBe(true);
  });

  it("is not trusted while anything else cannot be written there", async () => {
    bucket.fault = () => ({ status: 503 });
    await expect(
      store.put(Buffer.from("x"), { ...NAMING, extension: "txt" }, { once: true }),
    ).rejects.toThrow();
    bucket.fault = () => undefined;
    await fetchFrom(server.origin);
    expect(ways()).toEqual(["disk", "disk"]);
  });

  it("that hangs is let go when nobody wants the file any more, and so is the provider", async () => {
    const off = new AbortController();
    let isLeft = false;
    const slow = await rawServer((_hit, response) => {
      response.on("close", () => {
        isLeft = true;
      });
      response.writeHead(200, { "content-length": String(bytes.length) });
      response.write(bytes.subarray(0, bytes.length - 1));
    });
    const kept = fetchFrom(slow.origin, { signal: off.signal });
    await expect.poll(() => puts().length).toBe(1);
    off.abort();
    await expect(kept).rejects.toThrow();
    await expect.poll(() => isLeft).toBe(true);
    expect([bucket.files.size, server.hits.length, said]).toEqual([0, 0, []]);
    expect(await drafts()).toEqual([OWNER]);
  });
});
