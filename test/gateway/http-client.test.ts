import { getEventListeners } from "node:events";
import { finished } from "node:stream/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { ProxySettings } from "../../src/core/proxy-settings.ts";
import { TransportFailure } from "../../src/gateway/exchange.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { bypass } from "../../src/gateway/proxy-routes.ts";
import { json, rawServer, tcpServer } from "../support/raw-server.ts";

function openClient(proxies: ProxySettings = {}): HttpClient {
  const client = new HttpClient(proxies);
  onTestFinished(() => client.close());
  return client;
}

const get = (origin: string) => ({
  method: "GET" as const,
  url: new URL(origin),
  deadlineMs: 10_000,
  maxBytes: 1_000,
});

describe("limits of an exchange", () => {
  it("ends with its deadline where no answer comes", async () => {
    let hits = 0;
    let isAsked = () => {};
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    const server = await rawServer((_hit, response) => {
      if (++hits === 1) json(response, 200, {});
      else isAsked();
    });
    const client = openClient();
    // With a connection at hand the request is out before any time has passed.
    await client.send(get(server.origin));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const sent = client.send(get(server.origin)).catch((error: unknown) => error);
    await asked;
    vi.advanceTimersByTime(10_000);
    const failure = await sent;
    expect(failure).toBeInstanceOf(TransportFailure);
    expect(failure).toMatchObject({ sent: true, message: "no answer in time" });
  });

  it("ends with its deadline where the answer never ends", async () => {
    const server = await rawServer((_hit, response) => response.write("{"));
    await expect(
      openClient().send({ ...get(server.origin), deadlineMs: 30 }),
    ).rejects.toBeInstanceOf(TransportFailure);
  });

  it("takes an answer of exactly the size that is allowed, and none larger", async () => {
    for (const [size, fits] of [
      [1_000, true],
      [1_001, false],
    ] as const) {
      const server = await rawServer((_hit, response) => response.end("x".repeat(size)));
      const sent = openClient().send(get(server.origin));
      if (fits) expect((await sent).text).toHaveLength(size);
      else await expect(sent).rejects.toThrow("larger than 1000 bytes");
    }
  });

  it("gives no headers of a success, which nobody reads", async () => {
    const server = await rawServer((_hit, response) => json(response, 200, {}, { "X-Two": "a" }));
    expect(await openClient().send(get(server.origin))).toEqual({
      status: 200,
      headers: {},
      text: "{}",
    });
  });

  it("gives headers in lower case and any status as an answer", async () => {
    const server = await rawServer((_hit, response) =>
      json(response, 418, {}, { "Retry-After": "3", "X-Two": "a" }),
    );
    expect(await openClient().send(get(server.origin))).toMatchObject({
      status: 418,
      headers: { "retry-after": "3", "x-two": "a" },
      text: "{}",
    });
  });
});

describe("connections", () => {
  it("for looks are as many as there are looks at a time, and files have their own", async () => {
    const held: (() => void)[] = [];
    let isOpen = false;
    const server = await rawServer((_hit, response) => {
      const answer = () => json(response, 200, {});
      if (isOpen) return answer();
      held.push(answer);
      if (held.length < 118) return undefined;
      isOpen = true;
      for (const one of held) one();
      return undefined;
    });
    const client = openClient();
    const look = { ...get(server.origin), deadlineMs: 600_000 };
    const looks = Array.from({ length: 150 }, () => client.send(look));
    const { signal } = new AbortController();
    const file = client.open(look.url, { headers: {}, allowLoopback: true, signal });
    const statuses = (await Promise.all([...looks, file])).map(({ status }) => status);
    expect(statuses).toEqual([...looks, file].map(() => 200));
    expect(server.connections).toBe(118);
  });

  it("are kept for looks and never for purchases", async () => {
    const server = await rawServer((_hit, response) => json(response, 200, {}));
    const client = openClient();
    for (let i = 0; i < 20; i++) await client.send(get(server.origin));
    const kept = server.connections;
    expect(kept).toBeLessThanOrEqual(2);
    for (let i = 0; i < 20; i++)
      await client.send({ ...get(server.origin), freshConnection: true });
    expect(server.connections).toBe(kept + 20);
  });
});

describe("proxies", () => {
  /** A proxy that refuses every tunnel, and notes for whom it was asked. */
  async function proxy() {
    const asked: string[] = [];
    const server = await tcpServer((socket) =>
      socket.once("data", (chunk) => {
        asked.push(chunk.toString("latin1").split("\r\n")[0] ?? "");
        socket.end("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
      }),
    );
    return { origin: server.origin, asked };
  }

  it("stand between us and the world, not between us and this machine", async () => {
    const server = await rawServer((_hit, response) => json(response, 200, {}));
    const { origin, asked } = await proxy();
    const client = openClient({ httpProxy: origin, httpsProxy: origin });
    expect((await client.send(get(server.origin))).status).toBe(200);
    expect(asked).toEqual([]);
    await expect(client.send(get("https://gateway.example"))).rejects.toBeInstanceOf(
      TransportFailure,
    );
    expect(asked).toEqual([expect.stringContaining("gateway.example:443")]);
  });

  it("that cannot be passed prove that nothing was sent", async () => {
    const { origin } = await proxy();
    const client = openClient({ httpsProxy: origin });
    await expect(
      client.send({ ...get("https://gateway.example"), method: "POST", freshConnection: true }),
    ).rejects.toMatchObject({ sent: false });
  });

  it("whose tunnel opens too late are sent nothing", async () => {
    const arrived: string[] = [];
    const late: (() => void)[] = [];
    const { origin } = await tcpServer((socket) => {
      socket.once("data", () => {
        const open = () => socket.write("HTTP/1.1 200 OK\r\n\r\n");
        if (late.length > 0) open();
        else late.push(open);
        socket.on("data", (chunk) => {
          arrived.push(chunk.toString("latin1").split(" ")[0] ?? "");
          socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        });
      });
    });
    const client = openClient({ httpProxy: origin });
    const given = { ...get("http://gateway.example"), method: "POST" as const, deadlineMs: 30 };
    await expect(client.send({ ...given, freshConnection: true })).rejects.toMatchObject({
      sent: false,
      message: "no answer in time",
    });
    for (const open of late) open();
    expect((await client.send(get("http://gateway.example"))).text).toBe("{}");
    expect(arrived).toEqual(["GET"]);
  });

  it("are left out for the hosts that the setting names", async () => {
    const server = await rawServer((_hit, response) => json(response, 200, {}));
    const { origin, asked } = await proxy();
    const client = openClient({ httpProxy: origin, noProxy: "internal.example" });
    await client.send(get(server.origin));
    expect(asked).toEqual([]);
  });

  it.each([
    ["*", "https://a.example", true],
    ["  * ", "https://a.example", true],
    ["localhost,*", "https://a.example", true],
    ["a.example", "https://a.example", true],
    ["A.Example", "https://a.EXAMPLE", true],
    ["a.example", "https://b.a.example:8443", true],
    [".a.example", "https://a.example", true],
    [".a.example", "https://b.a.example", true],
    ["*.a.example", "https://b.a.example", true],
    ["a.example.", "https://a.example", true],
    ["a.example", "https://not-a.example", false],
    ["b.a.example", "https://a.example", false],
    ["x.example y.example\tz.example", "https://z.example", true],
    [",, ,", "https://a.example", false],
    [".", "https://a.example", false],
    ["a.example:443", "https://a.example", true],
    ["a.example:8443", "https://a.example", false],
    ["a.example:80", "http://a.example", true],
    ["192.0.2.7", "http://192.0.2.7", true],
    ["192.0.2.0/24", "http://192.0.2.7", true],
    ["192.0.2.0/24", "http://192.0.3.7", false],
    ["192.0.2.0/33", "http://192.0.2.7", false],
    ["2001:db8::/32", "http://[2001:db8::7]:80", true],
    ["[2001:db8::7]", "http://[2001:db8:0::7]", true],
    ["2001:DB8:0::7", "http://[2001:db8::7]", true],
    ["", "http://127.0.0.1:4010", true],
    ["", "http://localhost", true],
    ["", "http://[::1]:1", true],
    ["", "https://a.example", false],
  ])("NO_PROXY=%j for %s: direct is %s", (noProxy, url, isDirect) => {
    expect(bypass(noProxy)(new URL(url))).toBe(isDirect);
  });

  it("for one scheme are not those for the other", async () => {
    const { origin, asked } = await proxy();
    const client = openClient({ httpProxy: origin });
    // A name that nobody can resolve: what goes there directly goes nowhere.
    await expect(client.send(get("https://gateway.invalid"))).rejects.toBeInstanceOf(
      TransportFailure,
    );
    await expect(client.send(get("http://gateway.invalid"))).rejects.toBeInstanceOf(
      TransportFailure,
    );
    expect(asked).toEqual([expect.stringContaining("gateway.invalid:80")]);
  });
});

describe("a signal that many answers share", () => {
  const MANY = 20;
  const open = (client: HttpClient, origin: string, signal: AbortSignal) =>
    client.open(new URL(origin), { headers: {}, allowLoopback: true, signal });

  it("breaks all of them off, and has one listener for it", async () => {
    const server = await rawServer((_hit, response) => response.writeHead(200).write("a piece"));
    const [client, shared] = [openClient(), new AbortController()];
    const answers = await Promise.all(
      Array.from({ length: MANY }, () => open(client, server.origin, shared.signal)),
    );
    expect(getEventListeners(shared.signal, "abort")).toHaveLength(1);
    const ends = answers.map(({ body }) => finished(body.resume()).catch(({ name }) => name));
    shared.abort();
    expect(await Promise.all(ends)).toEqual(answers.map(() => "AbortError"));
  });

  it("lets nothing be sent once it has aborted", async () => {
    const server = await rawServer((_hit, response) => response.end());
    const refused = open(openClient(), server.origin, AbortSignal.abort());
    await expect(refused).rejects.toBeInstanceOf(TransportFailure);
    expect(server.hits).toEqual([]);
  });

  it("means nothing to an answer that has ended", async () => {
    const server = await rawServer((_hit, response) => response.end("whole"));
    const [client, shared] = [openClient(), new AbortController()];
    const first = await open(client, server.origin, shared.signal);
    await finished(first.body.resume());
    shared.abort();
    expect(first.body.errored).toBeNull();
    const next = await open(client, server.origin, new AbortController().signal);
    await expect(finished(next.body.resume())).resolves.toBeUndefined();
  });
});
