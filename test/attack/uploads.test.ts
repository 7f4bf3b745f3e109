import { readdir } from "node:fs/promises";
import { request as send } from "node:http";
import { connect } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { picture } from "../support/pictures.ts";
import { until } from "../support/rig.ts";
import { FAR, openSharedHouse } from "../support/shared-house.ts";
import type { AnyClient } from "../support/stranger.ts";

const textOf = (result: unknown) => JSON.stringify(result);
const put = (url: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(url, { method: "PUT", body: new Uint8Array(Buffer.from(body)), headers });

describe("an address for an upload", () => {
  let house: Awaited<ReturnType<typeof openSharedHouse>>;
  let client: AnyClient;
  const call = (name: string, args: Record<string, unknown>, who = client) =>
    who.callTool({ name, arguments: args });
  const invited = async (args: Record<string, unknown> = {}) => {
    const text = textOf(await call("upload_link", args));
    return {
      text,
      url: /http:\/\/127\.0\.0\.1:\d+\/uploads\/[a-z2-7]{26}/.exec(text)?.[0] ?? "",
      uri: /longcat:\/\/uploads\/[a-z2-7]{26}/.exec(text)?.[0] ?? "",
    };
  };
  const kept = async () =>
    (await readdir(`${house.dataDir}/uploads`)).filter((name) => /^[a-z2-7]{26}\./.test(name));

  beforeAll(async () => {
    house = await openSharedHouse();
    client = await house.old(`${FAR}eve`);
    return () => house.close();
  }, 150_000);

  it("takes a picture once, which calls of its owner use and nobody else's", async () => {
    const { url, uri, text } = await invited({ filename: "my cat.png" });
    expect(text).toContain(`-T \\"my cat.png\\" \\"${url}\\"`);
    const early = textOf(await call("qwen_image_edit", { prompt: "Red", image: uri }));
    expect(early).toMatch(/has not been uploaded yet/);
    expect((await put(url, await picture("png"))).status).toBe(201);
    expect((await put(url, await picture("png", { width: 9 }))).status).toBe(409);
    const edited = textOf(
      await call("qwen_image_edit", { prompt: "Red", image: uri, wait_seconds: 45 }),
    );
    expect(edited).toContain("completed in");
    const layered = textOf(await call("qwen_image_layered", { image_url: uri, wait_seconds: 45 }));
    expect(layered).toContain("completed in");
    const mallory = await house.old(`${FAR}mallory`);
    const [theirs, nobodys] = await Promise.all(
      [uri, `longcat://uploads/${"a".repeat(26)}`].map(async (image) =>
        textOf(await call("qwen_image_edit", { prompt: "Red", image }, mallory)).replaceAll(
          image,
          "IT",
        ),
      ),
    );
    expect(theirs).toContain("not_found");
    expect(theirs).toBe(nobodys);
    expect(textOf(await call("longcat_chat", { prompt: "?", files: [uri] }))).toMatch(
      /is a picture, not a text/,
    );
  });

  it("takes text for the delegate", async () => {
    const { url, uri } = await invited({ filename: "notes.md" });
    expect((await put(url, "# Grüße\n")).status).toBe(201);
    const told = textOf(
      await call("longcat_chat", { prompt: "Sum up", files: [uri], dry_run: true }),
    );
    expect(told).toContain("notes.md");
  });

  it("is a page, which uses nothing up and runs nothing but its own", async () => {
    const { url } = await invited({ filename: "<script>alert(1)</script>.png" });
    for (const method of ["GET", "HEAD", "GET"]) {
      const page = await fetch(url, { method });
      expect(page.status).toBe(200);
      expect(Object.fromEntries(page.headers)).toMatchObject({
        "content-security-policy": expect.stringMatching(/^default-src 'none'; script-src 'self';/),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
      });
      const html = await page.text();
      expect(html).not.toMatch(/<script>|<script [^>]*>[^<]|\son\w+=|style=/);
    }
    const script = await fetch(new URL("page.js", url));
    expect(script.headers.get("content-type")).toMatch(/^text\/javascript/);
    expect((await put(url, await picture("png"))).status).toBe(201);
    expect(await (await fetch(url)).text()).toContain("was received");
  });

  it("refuses what is something else than it takes, and stays usable", async () => {
    const { url } = await invited();
    const refused: [string | Buffer, Record<string, string>, number][] = [
      [Buffer.from("%PDF-1.7\n%\xe2\xe3\xcf\xd3", "latin1"), {}, 415],
      [Buffer.from("MZ\0\0"), { "content-type": "image/png" }, 415],
      [Buffer.from([0x80, 0x81, 0x82]), {}, 415],
      [Buffer.concat([Buffer.alloc(8_000, "a"), Buffer.from([0xff])]), {}, 415],
      [Buffer.concat([Buffer.alloc(8_000, "a"), Buffer.from([0xc3])]), {}, 415],
      ["", {}, 415],
      ["x", { "content-encoding": "gzip" }, 415],
      ["x", { "content-range": "bytes 0-0/2" }, 415],
      ["x", { "content-type": "multipart/form-data; boundary=x" }, 415],
    ];
    for (const [body, headers, status] of refused) {
      expect((await put(url, body, headers)).status, String(status)).toBe(status);
    }
    expect((await fetch(url, { method: "POST", body: "x" })).status).toBe(405);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(405);
    const before = await kept();
    expect((await put(url, "words")).status).toBe(201);
    expect(await kept()).toHaveLength(before.length + 1);
  });

  it("refuses at once what is announced too large", async () => {
    const { url } = await invited({ filename: "a.png" });
    const { hostname, port, pathname } = new URL(url);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = send({
        ...{ hostname, port, path: pathname, method: "PUT" },
        headers: { "content-length": String(64 * 1024 * 1024 + 1), expect: "100-continue" },
      });
      asked.on("continue", () => reject(new Error("it was to go on")));
      asked.on("response", (reply) => resolve(reply.statusCode));
      asked.on("error", reject);
      asked.flushHeaders();
    });
    expect(status).toBe(413);
    expect((await fetch(url)).status).toBe(200);
  });

  it("tells why it refuses to whoever sends all before reading a word, as browsers do", async () => {
    const { url } = await invited({ filename: "film.png" });
    const { hostname, port, pathname } = new URL(url);
    const film = Buffer.alloc(32 * 1024 * 1024, "\0\0\0\x18ftypmp42");
    const heard = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      socket.pause().on("error", reject);
      socket.write(`PUT ${pathname} HTTP/1.1\r\nhost: x\r\ncontent-length: ${film.length}\r\n\r\n`);
      socket.write(film, () => {
        let text = "";
        socket.on("data", (piece) => {
          text += piece.toString();
        });
        socket.on("end", () => resolve(text));
        socket.resume();
      });
    });
    expect(heard).toMatch(/^HTTP\/1\.1 415 [\s\S]*a file of type video\/mp4/);
    expect((await put(url, await picture("png"))).status).toBe(201);
  });

  it("forgets what is cut, and of two takes the first whole one", async () => {
    const { url, uri } = await invited();
    const { hostname, port, pathname } = new URL(url);
    const before = await kept();
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(`PUT ${pathname} HTTP/1.1\r\nhost: x\r\ncontent-length: 9000\r\n\r\n`);
        socket.write("half of it", () => socket.destroy());
      });
      socket.on("close", () => resolve());
    });
    expect((await fetch(url)).status).toBe(200);
    const replies = await Promise.all(
      ["one", "two", "three"].map((text) => put(url, text.repeat(3_000))),
    );
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect(await kept()).toHaveLength(before.length + 1);
    await until(async () => {
      const staged = await readdir(`${house.dataDir}/uploads/staging`, { recursive: true });
      return staged.every((name) => !name.endsWith(".partial"));
    }, "nothing that is half written");
    const told = textOf(await call("longcat_chat", { prompt: "?", files: [uri], dry_run: true }));
    expect(told).toContain("Dry run");
  });

  it("is nobody's guess", async () => {
    const { url } = await invited();
    const base = url.slice(0, url.lastIndexOf("/") + 1);
    for (const guess of [
      "",
      "a".repeat(26),
      "..%2fhosted%2fkey",
      "../hosted/key",
      `${url.slice(-26)}x`,
    ]) {
      expect((await put(base + guess, "x")).status, guess).toBeGreaterThanOrEqual(404);
    }
    expect((await fetch(`${base}${"a".repeat(26)}`)).status).toBe(404);
  });

  it("is offered to callers elsewhere only", async () => {
    const here = await house.old("ann");
    const names = (who: AnyClient) =>
      who.listTools().then(({ tools }) => tools.map(({ name }) => name));
    expect(await names(client)).toContain("upload_link");
    expect(await names(here)).not.toContain("upload_link");
  });
});
