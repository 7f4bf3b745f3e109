import { createHash } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { download } from "../../src/media/download.ts";
import { DownloadFailure } from "../../src/media/download-failure.ts";
import { PartialFile } from "../../src/media/partial-file.ts";
import { picture } from "../support/pictures.ts";
import { type Answer, rawServer, tcpServer } from "../support/raw-server.ts";
import { until } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

let folder: string;
let target: string;

beforeEach(async () => {
  folder = await tempDir();
  target = join(folder, "a.partial");
});

async function fetchFrom(
  url: string,
  { trusted = [new URL(url).origin], weights = false, clock = systemClock as Clock } = {},
) {
  const http = new HttpClient();
  onTestFinished(() => http.close());
  return download(new PartialFile(url, target), weights, { http, clock, trustedOrigins: trusted });
}

/** How a download from this server fails; nothing may be left of it. */
async function failure(url: string, options: Parameters<typeof fetchFrom>[1] = {}) {
  const error: unknown = await fetchFrom(url, options).catch((thrown: unknown) => thrown);
  if (!(error instanceof DownloadFailure)) return expect.fail(`not a download failure: ${error}`);
  expect(await readdir(folder)).toEqual([]);
  return { kind: error.kind, message: error.message };
}

const served = (bytes: Buffer | string, headers: Record<string, string> = {}): Answer => {
  return (_hit, response) => {
    response.writeHead(200, headers);
    response.end(bytes);
  };
};

describe("a file that arrives whole", () => {
  it.each([
    ["png", "image/png", "png"],
    ["jpeg", "image/jpeg", "jpg"],
    ["webp", "image/webp", "webp"],
    ["gif", "image/gif", "gif"],
  ] as const)(
    "is a %s by its first bytes, whatever its name and header say",
    async (format, mimeType, extension) => {
      const bytes = await picture(format);
      const server = await rawServer(served(bytes, { "content-type": "text/html" }));
      expect(await fetchFrom(`${server.origin}/output.exe`)).toEqual({
        sizeBytes: bytes.length,
        sha256: createHash("sha256").update(bytes).digest("hex"),
        mimeType,
        extension,
        isPicture: true,
        head: bytes,
      });
      expect(await readFile(target)).toEqual(bytes);
    },
  );

  it("asks for it as it is, and tells nobody who asks", async () => {
    const server = await rawServer(served(await picture()));
    await fetchFrom(`${server.origin}/a.png?sig=1`);
    expect(server.hits[0]).toMatchObject({
      method: "GET",
      path: "/a.png?sig=1",
      headers: { "accept-encoding": "identity" },
    });
    expect(Object.keys(server.hits[0]?.headers ?? {})).not.toContain("ocp-apim-subscription-key");
  });

  it("may come without its length", async () => {
    const bytes = await picture();
    const server = await rawServer((_hit, response) => {
      response.writeHead(200);
      response.write(bytes.subarray(0, 10));
      response.end(bytes.subarray(10));
    });
    expect((await fetchFrom(server.origin)).sizeBytes).toBe(bytes.length);
  });

  it.each([
    ["/lora.safetensors", "application/octet-stream", "safetensors"],
    ["/config.JSON", "application/json", "json"],
    ["/set.zip", "application/octet-stream", "zip"],
    ["/output.ext", "application/octet-stream", "bin"],
    ["/run.exe", "application/octet-stream", "bin"],
    ["/page.html", "application/octet-stream", "bin"],
    ["/", "application/octet-stream", "bin"],
  ])("%s of unknown content is %s named .%s", async (path, mimeType, extension) => {
    const server = await rawServer(served("\u0001\u0002 some numbers"));
    const got = await fetchFrom(server.origin + path, { weights: true });
    expect(got).toMatchObject({ mimeType, extension, isPicture: false });
  });

  it("is for its owner only", async () => {
    const server = await rawServer(served(await picture()));
    await fetchFrom(server.origin);
    expect((await stat(target)).mode & 0o777).toBe(0o600);
  });

  it("replaces what an earlier try has left", async () => {
    await writeFile(target, "x".repeat(100_000));
    const bytes = await picture();
    const server = await rawServer(served(bytes));
    await fetchFrom(server.origin);
    expect(await readFile(target)).toEqual(bytes);
  });

  it("reaches the disk while it arrives", async () => {
    const half = Buffer.alloc(3 * 1024 * 1024, 7);
    const server = await rawServer(async (_hit, response) => {
      response.writeHead(200, { "content-length": String(2 * half.length) });
      response.write(half);
      await until(async () => (await stat(target).catch(() => undefined))?.size === half.length);
      response.end(half);
    });
    expect((await fetchFrom(server.origin)).sizeBytes).toBe(2 * half.length);
  });
});

describe("a file that may come at another try", () => {
  it("is shorter than announced", async () => {
    const server = await tcpServer((socket) =>
      socket.once("data", () =>
        socket.end("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nconnection: close\r\n\r\nonly this"),
      ),
    );
    expect((await failure(server.origin)).kind).toBe("transient");
  });

  it("breaks off", async () => {
    const bytes = await picture("png", { width: 600, height: 600 });
    const server = await rawServer((_hit, response) => {
      response.writeHead(200, { "content-length": String(bytes.length) });
      response.write(bytes.subarray(0, 200), () => response.socket?.resetAndDestroy());
    });
    expect((await failure(server.origin)).kind).toBe("transient");
  });

  it("breaks off without having told its length", async () => {
    const server = await rawServer((_hit, response) => {
      response.writeHead(200);
      response.write("x".repeat(100), () => response.socket?.destroy());
    });
    expect((await failure(server.origin)).kind).toBe("transient");
  });

  it("is empty", async () => {
    const server = await rawServer(served(""));
    expect(await failure(server.origin)).toEqual({
      kind: "transient",
      message: "the file is empty",
    });
  });

  it("comes compressed although it must not", async () => {
    const server = await rawServer(
      served(gzipSync(await picture()), { "content-encoding": "gzip" }),
    );
    expect((await failure(server.origin)).message).toContain("compressed");
  });

  it.each([500, 502, 503, 429, 408, 206, 204])("HTTP %i", async (status) => {
    const server = await rawServer((_hit, response) => {
      response.writeHead(status);
      response.end();
    });
    expect(await failure(server.origin)).toEqual({ kind: "transient", message: `HTTP ${status}` });
  });

  it("is slower than anything worth waiting for", async () => {
    const server = await rawServer((_hit, response) => response.write("x".repeat(1_000)));
    let calls = 0;
    const clock: Clock = { ...systemClock, elapsed: () => calls++ * 130_000 };
    expect(await failure(server.origin, { clock })).toEqual({
      kind: "transient",
      message: "the transfer is too slow",
    });
  });
});

describe("a file that does not come again", () => {
  it.each([403, 404, 410])("HTTP %i", async (status) => {
    const server = await rawServer((_hit, response) => {
      response.writeHead(status);
      response.end("gone");
    });
    expect(await failure(server.origin)).toEqual({ kind: "gone", message: `HTTP ${status}` });
  });

  it.each([
    ["HTML", "<!doctype html><html><body>Sign in</body></html>"],
    ["HTML after blanks and a byte order mark", "\ufeff\n  <HTML lang=en>"],
    ["HTML after a comment", "<!-- generated -->\n<html>"],
    ["SVG", '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
    ["SVG with its prologue", '<?xml version="1.0"?>\n<!-- x -->\n<svg onload="alert(1)"></svg>'],
    ["a script", "<script>alert(1)</script>"],
  ])("%s in place of a picture", async (_what, body) => {
    const server = await rawServer(served(body, { "content-type": "image/png" }));
    expect((await failure(`${server.origin}/a.png`)).kind).toBe("unusable");
    expect((await failure(`${server.origin}/a.safetensors`, { weights: true })).kind).toBe(
      "unusable",
    );
  });

  it("announces more than pictures may have", async () => {
    const server = await rawServer((_hit, response) => {
      response.writeHead(200, { "content-length": String(64 * 1024 * 1024 + 1) });
      response.write("x");
    });
    const { kind, message } = await failure(server.origin);
    expect(kind).toBe("refused");
    expect(message).toContain("larger than");
  });

  it("goes on for longer than pictures may, without having said so", async () => {
    const chunk = Buffer.alloc(4 * 1024 * 1024);
    const server = await rawServer((_hit, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed) if (!response.write(chunk)) return response.once("drain", more);
        return undefined;
      };
      more();
    });
    expect((await failure(server.origin)).kind).toBe("refused");
  });
});

describe("addresses", () => {
  it("redirects on the same host are followed, three at most", async () => {
    const bytes = await picture();
    let redirects = 3;
    const server = await rawServer((hit, response) => {
      if (redirects-- > 0) response.writeHead(302, { location: `${hit.path}x` }).end();
      else response.end(bytes);
    });
    expect((await fetchFrom(`${server.origin}/a`)).sizeBytes).toBe(bytes.length);
    expect(server.hits.map((hit) => hit.path)).toEqual(["/a", "/ax", "/axx", "/axxx"]);
  });

  it("redirects in circles are refused", async () => {
    const server = await rawServer((_hit, response) =>
      response.writeHead(302, { location: "/again" }).end(),
    );
    expect((await failure(server.origin)).kind).toBe("refused");
    expect(server.hits.length).toBeLessThanOrEqual(4);
  });

  it("redirects elsewhere are refused, also to another port or protocol, and not looked at", async () => {
    const elsewhere = await rawServer(served(await picture()));
    for (const location of [
      `${elsewhere.origin}/a.png`,
      `//127.0.0.1:${elsewhere.port}/a.png`,
      "https://example.com/a.png",
      "file:///etc/passwd",
      "http://[",
    ]) {
      const server = await rawServer((_hit, response) =>
        response.writeHead(307, { location }).end(),
      );
      expect((await failure(server.origin)).kind, location).toBe("refused");
    }
    const without = await rawServer((_hit, response) => response.writeHead(302).end());
    expect((await failure(without.origin)).kind).toBe("refused");
    expect(elsewhere.connections).toBe(0);
  });

  it("of this machine are refused where they are not ours, in every spelling", async () => {
    const server = await rawServer(served(await picture()));
    for (const host of [
      "127.0.0.1",
      "localhost",
      "2130706433",
      "0x7f.1",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "0.0.0.0",
    ]) {
      for (const protocol of ["http", "https"]) {
        const url = `${protocol}://${host}:${server.port}/a.png`;
        expect((await failure(url, { trusted: [] })).kind, url).toBe("refused");
      }
    }
    expect(server.connections).toBe(0);
  });

  it("of this machine are refused on any port but ours", async () => {
    const ours = await rawServer(served(await picture()));
    const other = await rawServer(served(await picture()));
    expect((await failure(`${other.origin}/a.png`, { trusted: [ours.origin] })).kind).toBe(
      "refused",
    );
    expect(other.connections).toBe(0);
  });

  it.each([
    "http://example.com/a.png",
    "ftp://example.com/a.png",
    "file:///etc/passwd",
    "data:image/png;base64,AAAA",
    "https://10.0.0.1/a.png",
    "https://169.254.169.254/latest/meta-data",
    "https://[fe80::1]/a.png",
    "https://[64:ff9b::7f00:1]/a.png",
  ])("%s is refused for what it is", async (url) => {
    expect((await failure(url, { trusted: [] })).kind).toBe("refused");
  });
});

describe("a disk that refuses", () => {
  it("is told apart from the network", async () => {
    const server = await rawServer(served(await picture()));
    const http = new HttpClient();
    onTestFinished(() => http.close());
    const missing = join(folder, "no", "such", "folder", "a.partial");
    await expect(
      download(new PartialFile(server.origin, missing), false, {
        http,
        clock: systemClock,
        trustedOrigins: [server.origin],
      }),
    ).rejects.toMatchObject({ code: "storage" });
  });
});
