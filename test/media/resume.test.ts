import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import * as net from "node:net";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { download } from "../../src/media/download.ts";
import { DownloadFailure } from "../../src/media/download-failure.ts";
import { PartialFile } from "../../src/media/partial-file.ts";
import { type Hit, rawServer } from "../support/raw-server.ts";
import { until } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

const WHOLE = randomBytes(600_000);
const CUT = 250_000;
const sha256 = createHash("sha256").update(WHOLE).digest("hex");

let folder: string;
let target: string;
let partial: PartialFile;

beforeEach(async () => {
  folder = await tempDir();
  target = join(folder, "a.partial");
  partial = new PartialFile("", target);
});

function fetchFrom(url: string, trusted = [new URL(url).origin]) {
  const http = new HttpClient();
  onTestFinished(() => http.close());
  // What is fetched from one address is the same file from try to try.
  if (partial.url !== url) partial = new PartialFile(url, target);
  return download(partial, true, { http, clock: systemClock, trustedOrigins: trusted });
}

async function failure(url: string, trusted?: string[]): Promise<DownloadFailure> {
  const thrown: unknown = await fetchFrom(url, trusted).catch((error: unknown) => error);
  return thrown instanceof DownloadFailure ? thrown : expect.fail(`no failure: ${String(thrown)}`);
}

interface Store {
  etag?: string;
  /** What it says of the range it serves; by default the truth. */
  contentRange?: string;
  /** How it answers a request for the rest. */
  onRange?: (response: ServerResponse) => void;
}

/** Resets the connection once what was sent is on the client's disk. */
async function breakOff(response: ServerResponse, sentBytes: number): Promise<void> {
  await until(async () => (await stat(target).catch(() => undefined))?.size === sentBytes);
  response.socket?.resetAndDestroy();
}

/** Breaks off in the middle of the first answer, and serves the rest as told. */
function store({ etag = '"v1"', contentRange, onRange }: Store = {}) {
  let asked = 0;
  return rawServer((hit: Hit, response) => {
    const start = /^bytes=(\d+)-$/.exec(hit.headers["range"] ?? "")?.[1];
    const headers = { "accept-ranges": "bytes", ...(etag === "" ? {} : { etag }) };
    if (asked++ === 0) {
      response.writeHead(200, { ...headers, "content-length": String(WHOLE.length) });
      response.write(WHOLE.subarray(0, CUT));
      return breakOff(response, CUT);
    }
    if (start === undefined) {
      response.writeHead(200, { ...headers, "content-length": String(WHOLE.length) }).end(WHOLE);
      return;
    }
    if (onRange) return onRange(response);
    response.writeHead(206, {
      ...headers,
      "content-range": contentRange ?? `bytes ${start}-${WHOLE.length - 1}/${WHOLE.length}`,
    });
    response.end(WHOLE.subarray(Number(start)));
  });
}

describe("a download that broke off", () => {
  it("goes on where it was, and the whole is checked", async () => {
    const server = await store();
    expect((await failure(server.origin)).kind).toBe("transient");
    const kept = (await readFile(target)).length;
    expect(kept).toBeGreaterThan(0);
    expect(await fetchFrom(server.origin)).toMatchObject({ sizeBytes: WHOLE.length, sha256 });
    expect(server.hits[1]?.headers).toMatchObject({
      range: `bytes=${kept}-`,
      "if-range": '"v1"',
      "accept-encoding": "identity",
    });
    expect((await readFile(target)).equals(WHOLE)).toBe(true);
    expect(await readdir(folder)).toEqual(["a.partial"]);
  });

  it("goes on from what was synced, whatever was written after it", async () => {
    const server = await store();
    await failure(server.origin);
    await writeFile(target, Buffer.alloc(100_000), { flag: "a" });
    expect(await fetchFrom(server.origin)).toMatchObject({ sha256 });
    expect(server.hits[1]?.headers["range"]).toMatch(/^bytes=[1-9]/);
  });

  it("may break off again and again", async () => {
    const server = await rawServer((hit, response) => {
      const start = Number(/^bytes=(\d+)-$/.exec(hit.headers["range"] ?? "")?.[1] ?? 0);
      const end = Math.min(start + CUT, WHOLE.length);
      response.writeHead(start === 0 ? 200 : 206, {
        etag: '"v1"',
        "content-length": String(WHOLE.length - start),
        "content-range": `bytes ${start}-${WHOLE.length - 1}/${WHOLE.length}`,
      });
      response.write(WHOLE.subarray(start, end));
      return end < WHOLE.length ? breakOff(response, end) : response.end();
    });
    let done: unknown;
    for (let tries = 0; done === undefined && tries < 20; tries++) {
      done = await fetchFrom(server.origin).catch(() => undefined);
    }
    expect(done).toMatchObject({ sha256 });
  });

  it.each<[string, Store]>([
    ["the file has no strong tag", { etag: 'W/"v1"' }],
    ["the file has no tag", { etag: "" }],
  ])("starts anew where %s, and keeps nothing", async (_, how) => {
    const server = await store(how);
    await failure(server.origin);
    expect(await readdir(folder)).toEqual([]);
    expect(await fetchFrom(server.origin)).toMatchObject({ sha256 });
    expect(server.hits[1]?.headers["range"]).toBeUndefined();
  });

  it.each<[string, Store]>([
    ["of another length", { contentRange: `bytes ${CUT}-${WHOLE.length}/${WHOLE.length + 1}` }],
    ["of another place", { contentRange: `bytes 0-${WHOLE.length - 1}/${WHOLE.length}` }],
    ["that cannot be had", { onRange: (response) => response.writeHead(416).end() }],
    [
      "of another file",
      { onRange: (response) => response.writeHead(206, { etag: '"v2"' }).end("something else") },
    ],
    [
      "that is the whole file, changed meanwhile",
      { onRange: (response) => response.writeHead(200, { etag: '"v2"' }).end(WHOLE) },
    ],
  ])("starts anew when it is offered a rest %s", async (_, how) => {
    const server = await store(how);
    await failure(server.origin);
    expect(await fetchFrom(server.origin)).toMatchObject({ sizeBytes: WHOLE.length, sha256 });
    expect((await readFile(target)).equals(WHOLE)).toBe(true);
  });

  it("keeps what it has while the server is away, and forgets it when the file is gone", async () => {
    const answers = [503, 404];
    const server = await store({
      onRange: (response) => response.writeHead(answers.shift() ?? 200).end(),
    });
    await failure(server.origin);
    expect(await failure(server.origin)).toMatchObject({ kind: "transient", message: "HTTP 503" });
    expect((await readdir(folder)).sort()).toEqual(["a.partial"]);
    expect(await failure(server.origin)).toMatchObject({ kind: "gone" });
    expect(await readdir(folder)).toEqual([]);
  });

  it("is not mixed with another address's file", async () => {
    const server = await store();
    await failure(`${server.origin}/one`);
    expect(await fetchFrom(`${server.origin}/two`)).toMatchObject({ sha256 });
    expect(server.hits[1]?.headers["range"]).toBeUndefined();
  });

  it("is no reason for a connection of its own: those that came whole share one", async () => {
    const server = await rawServer((_hit, response) => response.end(WHOLE));
    const http = new HttpClient();
    onTestFinished(() => http.close());
    const options = { http, clock: systemClock, trustedOrigins: [server.origin] };
    for (const name of ["one", "two", "three"]) {
      await download(new PartialFile(server.origin, join(folder, name)), true, options);
    }
    expect(server.connections).toBe(1);
  });

  it("leaves nothing behind once it is given up", async () => {
    const server = await store();
    await failure(server.origin);
    await partial.discard();
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("what comes in place of a file", () => {
  it.each(["utf16le", "utf-16 with its mark"])(
    "is markup in any spelling: %s",
    async (encoding) => {
      const mark = encoding === "utf16le" ? "" : "\ufeff";
      const page = Buffer.from(`${mark}<!DOCTYPE html><script>alert(1)</script>`, "utf16le");
      const server = await rawServer((_, response) => response.end(page));
      expect((await failure(server.origin)).kind).toBe("unusable");
    },
  );

  it.each([
    [
      "a picture and a page at once",
      "GIF89a/*<!doctype html><script>alert(1)</script>*/=1;",
      "gif",
    ],
    ["a picture and an archive at once", "\u0089PNG\r\n\u001a\n\0\0\0\rIHDR PK\u0003\u0004", "bin"],
    ["an archive that says it is a picture", "PK\u0003\u0004 something.png", "bin"],
  ])("is never named after what it pretends to be: %s", async (_, content, extension) => {
    const server = await rawServer((_hit, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end(Buffer.from(content, "latin1")),
    );
    const got = await fetchFrom(`${server.origin}/page.html`);
    expect(["gif", "png", "bin"]).toContain(got.extension);
    if (extension === "gif") expect(got.extension).toBe("gif");
  });

  it("is refused for good where it comes compressed", async () => {
    const server = await rawServer((_, response) =>
      response.writeHead(200, { "content-encoding": "br" }).end("x"),
    );
    expect(await failure(server.origin)).toMatchObject({ kind: "unusable" });
  });
});

describe("a refused address", () => {
  it.each([
    "https://127.0.0.1/a.png",
    "https://localhost/a.png",
    "https://10.0.0.1/a.png",
    "https://169.254.169.254/a.png",
    "https://[::1]/a.png",
    "https://[::ffff:10.0.0.1]/a.png",
    "https://[64:ff9b::a00:1]/a.png",
    "https://0x7f000001/a.png",
    "http://example.com/a.png",
  ])("gets no packet: %s", async (url) => {
    // Every socket of the process begins with one of these.
    const sockets = vi.spyOn(net.Socket.prototype, "connect");
    onTestFinished(() => sockets.mockRestore());
    expect((await failure(url, [])).kind).toBe("refused");
    expect(sockets).not.toHaveBeenCalled();
  });

  it("is watched for in the right place", async () => {
    const sockets = vi.spyOn(net.Socket.prototype, "connect");
    onTestFinished(() => sockets.mockRestore());
    const server = await rawServer((_, response) => response.end(WHOLE));
    await fetchFrom(server.origin);
    expect(sockets).toHaveBeenCalled();
  });
});
