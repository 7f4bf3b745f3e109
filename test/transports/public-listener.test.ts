import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { PublicListener, type PublicRoute } from "../../src/transports/public-listener.ts";

async function listening(
  routes: readonly PublicRoute[],
  basePath = "",
  host = "127.0.0.1",
): Promise<string> {
  const listener = new PublicListener({
    ...{ ports: [0], host, routes, basePath, clock: systemClock },
    isOurs: async () => false,
    onError: () => {},
  });
  onTestFinished(() => listener.close());
  return listener.open();
}

const file: PublicRoute = {
  prefix: "/files/",
  answer: async (_, response, rest) => void response.end(`file ${rest}`),
};
const letter: PublicRoute = {
  prefix: "/letters/",
  methods: ["POST", "PUT"],
  takesBody: true,
  answer: async (request, response) => void response.end(`got ${await text(request)}`),
};

describe("a route of the public port", () => {
  it("is asked with GET and HEAD alone, unless it says what else", async () => {
    const origin = await listening([file, letter]);
    const ask = async (method: string, path: string) => {
      const body = method === "POST" || method === "PUT" ? "words" : null;
      const reply = await fetch(origin + path, { method, body });
      return [reply.status, reply.headers.get("allow"), await reply.text()];
    };
    expect(await ask("GET", "/files/a")).toEqual([200, null, "file a"]);
    expect(await ask("POST", "/files/a")).toEqual([405, "GET, HEAD", ""]);
    expect(await ask("POST", "/letters/a")).toEqual([200, null, "got words"]);
    expect(await ask("PUT", "/letters/a")).toEqual([200, null, "got words"]);
    expect(await ask("GET", "/letters/a")).toEqual([405, "POST, PUT", ""]);
    expect(await ask("POST", "/else")).toEqual([404, null, ""]);
  });

  it("keeps the connection of a body that it has read, and ends any other", async () => {
    const origin = await listening([file, letter]);
    const post = (path: string) => fetch(origin + path, { method: "POST", body: "words" });
    expect((await post("/letters/a")).headers.get("connection")).toBe("keep-alive");
    expect((await post("/files/a")).headers.get("connection")).toBe("close");
    expect((await post("/else")).headers.get("connection")).toBe("close");
  });

  it("is found below the path of the public address as well", async () => {
    const origin = await listening([file], "/pre/fix");
    for (const path of ["/pre/fix/files/a", "/files/a"]) {
      expect(await (await fetch(origin + path)).text()).toBe("file a");
    }
  });
});

describe("where the public port listens", () => {
  it("is where MCP does, and this machine finds it there", async () => {
    const everywhere = await listening([file], "", "0.0.0.0");
    expect(everywhere).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(`${everywhere}/files/a`)).text()).toBe("file a");
    const named = await listening([file], "", "localhost");
    expect(named).toMatch(/^http:\/\/localhost:\d+$/);
    expect(await (await fetch(`${named}/files/a`)).text()).toBe("file a");
  });
});
