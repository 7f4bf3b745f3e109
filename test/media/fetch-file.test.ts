import { beforeEach, describe, expect, it } from "vitest";
import { digestOf, FetchRig, served } from "../support/fetch-rig.ts";
import { noise, picture, talkativeJpeg } from "../support/pictures.ts";
import { type Answer, rawServer } from "../support/raw-server.ts";
import { OWNER } from "../support/rig.ts";

const MIB = 1024 * 1024;

let rig: FetchRig;

beforeEach(async () => {
  rig = await FetchRig.open();
});

describe("a file of which it is known how long it is", () => {
  it.each([
    ["png", "image/png", "png"],
    ["jpeg", "image/jpeg", "jpg"],
  ] as const)(
    "goes past the disk in one write, and all is known of it: %s",
    async (format, mimeType, extension) => {
      const bytes = await noise(format, { width: 1100, height: 900 });
      const server = await rawServer(served(bytes));
      expect(await rig.fetch(server.origin)).toMatchObject({
        ...{ mimeType, sizeBytes: bytes.length, sha256: digestOf(bytes) },
        ...{ facts: { width: 1100, height: 900 }, ref: rig.only().key },
      });
      expect(rig.only().key).toMatch(new RegExp(`-1\\.${extension}$`));
      expect(rig.only().bytes.equals(bytes)).toBe(true);
      expect(rig.puts().map(({ headers }) => headers["content-length"])).toEqual([
        `${bytes.length}`,
      ]);
      expect([rig.ways(), server.hits.length]).toEqual([["past"], 1]);
      expect(await rig.drafts()).toEqual([OWNER]);
      expect(rig.points).toEqual(["before-download", "before-rename", "after-rename"]);
      expect(rig.said).toEqual([]);
    },
  );

  it.each([1, 2, 4_099, 4_100, 4_101, 65_536, 262_143, 262_144, 262_145, MIB])(
    "is kept byte for byte, of %i bytes",
    async (length) => {
      const bytes = Buffer.alloc(length, "0123456789");
      const server = await rawServer(served(bytes));
      const got = await rig.fetch(`${server.origin}/x.safetensors`, {}, { weights: true });
      expect(got).toMatchObject({ sizeBytes: length, sha256: digestOf(bytes), facts: undefined });
      expect(rig.only().bytes.equals(bytes)).toBe(true);
      expect(rig.only().key).toMatch(/\.safetensors$/);
      expect(rig.ways()).toEqual(["past"]);
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
    const kept = rig.fetch(server.origin);
    await expect.poll(() => server.hits.length).toBe(1);
    expect(rig.puts()).toEqual([]);
    goOn();
    await expect.poll(() => rig.puts().length).toBe(1);
    expect(rig.bucket.files.size).toBe(0);
    goOn();
    await kept;
    expect(rig.only().bytes.equals(bytes)).toBe(true);
  });

  it("says what it is behind much that a camera has said", async () => {
    const [much, tooMuch] = [await talkativeJpeg(180_000), await talkativeJpeg(400_000)];
    for (const bytes of [much, tooMuch]) {
      const server = await rawServer(served(bytes));
      const got = await rig.fetch(server.origin);
      expect(got.facts).toEqual({ width: 700, height: 500 });
    }
    // Of the other one the disk tells.
    expect(rig.ways()).toEqual(["past", "disk"]);
  });

  it.each(["webp", "tiff"] as const)(
    "lies here first, fetched once, where its beginning does not tell all: %s",
    async (format) => {
      const bytes = await noise(format);
      const server = await rawServer(served(bytes));
      expect(await rig.fetch(server.origin)).toMatchObject({
        ...{ mimeType: `image/${format}`, sha256: digestOf(bytes) },
        facts: { width: 700, height: 500 },
      });
      expect([rig.ways(), server.hits.length]).toEqual([["disk"], 1]);
      expect(rig.only().bytes.equals(bytes)).toBe(true);
      expect(await rig.drafts()).toEqual([OWNER]);
    },
  );

  it("is called the same by whichever way it comes, at whichever replica", async () => {
    const bytes = await noise("png");
    const server = await rawServer(served(bytes));
    const past = await rig.fetch(server.origin);
    const disk = await rig.fetch(server.origin, {}, { media: rig.openStore(), isFirstTry: false });
    expect(disk).toMatchObject({ ...past });
    expect(rig.only().bytes.equals(bytes)).toBe(true);
    expect(rig.ways()).toEqual(["past", "disk"]);
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
      expect(await rig.fetch(origin)).toMatchObject({ sizeBytes: bytes.length });
    }
    expect(rig.ways()).toContain("disk");
    expect(rig.only().bytes.equals(bytes)).toBe(true);
  });

  it("is what was tried before", async () => {
    const server = await rawServer(served(await picture()));
    await rig.fetch(server.origin, {}, { isFirstTry: false });
    expect(rig.ways()).toEqual(["disk"]);
  });

  it("is what is too large to be fetched twice", async () => {
    const server = await rawServer((_hit, response) => {
      response.writeHead(200, { "content-length": String(65 * MIB) });
      response.write(Buffer.alloc(MIB, "x"), () => response.destroy());
    });
    const url = `${server.origin}/x.safetensors`;
    await expect(rig.fetch(url, {}, { weights: true })).rejects.toMatchObject({
      kind: "transient",
    });
    expect(rig.puts()).toEqual([]);
  });

  it("is what would go unsigned where somebody on the way could change it", async () => {
    expect(rig.openStore("http://bucket.example:8080").straight()).toBeUndefined();
    expect(rig.openStore("http://10.0.0.1").straight()).toBeUndefined();
    expect(rig.openStore("https://bucket.example").straight()).toBeTypeOf("function");
    expect(rig.openStore().straight()).toBeTypeOf("function");
  });
});

describe("a provider", () => {
  const failure = async (answer: Answer, path = "/a.png") => {
    const server = await rawServer(answer);
    const error: unknown = await rig.fetch(server.origin + path).catch((thrown: unknown) => thrown);
    expect(rig.bucket.files.size).toBe(0);
    expect(await rig.drafts()).toEqual([OWNER]);
    return error;
  };

  it("whose transfer breaks off leaves nothing of it anywhere, and the bucket is not blamed", async () => {
    const bytes = await noise("png");
    const error = await failure((_hit, response) => {
      response.writeHead(200, { "content-length": String(bytes.length) });
      response.write(bytes.subarray(0, 600_000), () =>
        expect
          .poll(() => rig.puts().length)
          .toBe(1)
          .then(() => response.destroy()),
      );
    });
    expect(error).toMatchObject({ kind: "transient" });
    expect(rig.ways()).toEqual(["past"]);
    expect(rig.said).toEqual([]);
    expect(rig.store.straight()).toBeTypeOf("function");
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
    const got = await rig.fetch(server.origin).catch((error: unknown) => error);
    if (more > 0) expect(got).toMatchObject({ kind: "transient" });
    for (const { bytes: kept } of rig.bucket.files.values())
      expect(kept.length).toBe(bytes.length - 1);
    expect(rig.bucket.files.size).toBe(more > 0 ? 0 : 1);
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
    expect(rig.bucket.hits).toEqual([]);
  });
});
