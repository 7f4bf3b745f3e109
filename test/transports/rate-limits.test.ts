import { createServer, request, type Server } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Caller, SCOPES } from "../../src/core/caller.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { type RateLimitOptions, RateLimits } from "../../src/transports/rate-limits.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

const MiB = 1024 * 1024;
const caller = (owner: string): Caller => ({ owner, scopes: new Set(SCOPES), isRemote: true });

/** A server that asks the limits as the real one does; answers stay open until they are told. */
class Served {
  readonly clock = new FakeClock();
  readonly #limits: RateLimits;
  readonly #open: (() => void)[] = [];
  #server: Server | undefined;

  constructor(options: Partial<RateLimitOptions>) {
    const { clock } = this;
    const all = { requestsPerMinute: undefined, streams: 16, bodyBytes: 64 * MiB, ...options };
    this.#limits = new RateLimits({ clock, ...all });
  }

  async start(): Promise<void> {
    this.#server = createServer(async (incoming, outgoing) => {
      const user = incoming.headers["x-user"];
      const who = typeof user === "string" ? caller(user) : LOCAL_CALLER;
      const refusal =
        this.#limits.refuseRequest(who, incoming, outgoing) ??
        (incoming.url === "/listen" ? this.#limits.refuseStream(who, outgoing) : undefined);
      incoming.resume();
      if (refusal) {
        outgoing.writeHead(refusal.status, Object.fromEntries(refusal.headers));
        outgoing.end(await refusal.text());
        return;
      }
      outgoing.writeHead(200);
      if (incoming.url === "/") return void outgoing.end("ok");
      outgoing.flushHeaders();
      this.#open.push(() => outgoing.end());
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, "127.0.0.1", resolve));
  }

  get #origin(): string {
    const address = this.#server?.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : undefined}`;
  }

  ask(user: string | undefined, path = "/", body?: string): Promise<Response> {
    return fetch(this.#origin + path, {
      method: body === undefined ? "GET" : "POST",
      ...(body === undefined ? {} : { body }),
      ...(user === undefined ? {} : { headers: { "x-user": user } }),
    });
  }

  /** A request that does not say how long its body is. @returns its status. */
  sendPieces(user: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const headers = { "x-user": user, "transfer-encoding": "chunked" };
      const sent = request(`${this.#origin}/hang`, { method: "POST", headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sent.once("error", reject).end("x");
    });
  }

  async statuses(user: string | undefined, times: number, path = "/"): Promise<number[]> {
    const all: number[] = [];
    for (let i = 0; i < times; i++) {
      const response = await this.ask(user, path);
      all.push(response.status);
      if (response.status === 429) await response.text();
    }
    return all;
  }

  async endAll(): Promise<void> {
    for (const end of this.#open.splice(0)) end();
    await settle(20);
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }
}

let served: Served;
const serve = async (options: Partial<RateLimitOptions>) => {
  served = new Served(options);
  await served.start();
};
afterEach(() => served.close());

describe("requests within a minute", () => {
  beforeEach(() => serve({ requestsPerMinute: 3 }));

  it("are answered up to the limit, and 429 with the seconds after it", async () => {
    expect(await served.statuses("anna", 3)).toEqual([200, 200, 200]);
    await served.clock.advance(10_000);
    const refused = await served.ask("anna");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("50");
    expect(await refused.json()).toEqual({
      jsonrpc: "2.0",
      id: null,
      error: {
        code: -32000,
        message:
          "That is more than 3 requests within a minute (LONGCAT_MCP_REQUESTS_PER_MINUTE_PER_USER). Try again in 50 s; nothing was done.",
      },
    });
    await served.clock.advance(49_999);
    expect(await served.statuses("anna", 1)).toEqual([429]);
    await served.clock.advance(1);
    expect(await served.statuses("anna", 4)).toEqual([200, 200, 200, 429]);
  });

  it("are never more than the limit in any minute, also around its turn", async () => {
    const taken: number[] = [];
    for (let second = 0; second < 180; second += 7) {
      const statuses = await served.statuses("anna", 2);
      const took = statuses.filter((status) => status === 200);
      taken.push(...took.map(() => second));
      await served.clock.advance(7_000);
    }
    for (const at of taken) {
      expect(taken.filter((one) => one >= at && one < at + 60).length).toBeLessThanOrEqual(3);
    }
    expect(taken.length).toBeGreaterThanOrEqual(9);
  });

  it("of one user take nothing from another, and the user of this machine has no limit", async () => {
    expect(await served.statuses("anna", 5)).toEqual([200, 200, 200, 429, 429]);
    expect(await served.statuses("berta", 4)).toEqual([200, 200, 200, 429]);
    expect(new Set(await served.statuses(undefined, 10))).toEqual(new Set([200]));
  });
});

describe("streams of events", () => {
  it("are open up to the limit; each that ends makes room for another", async () => {
    await serve({ streams: 2 });
    expect(await served.statuses("anna", 2, "/listen")).toEqual([200, 200]);
    const refused = await served.ask("anna", "/listen");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "5"]);
    expect(await refused.text()).toContain("LONGCAT_MCP_MAX_STREAMS_PER_USER");
    expect(await served.statuses("berta", 2, "/listen")).toEqual([200, 200]);
    expect(await served.statuses("anna", 2, "/hang")).toEqual([200, 200]);
    await served.endAll();
    expect(await served.statuses("anna", 3, "/listen")).toEqual([200, 200, 429]);
  });
});

describe("bytes of requests", () => {
  it("that are being answered are held up to the limit", async () => {
    await serve({ bodyBytes: 1_000 });
    const body = "x".repeat(600);
    expect((await served.ask("anna", "/hang", body)).status).toBe(200);
    const refused = await served.ask("anna", "/hang", body);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await refused.text()).toMatch(/hold 600 bytes .*LONGCAT_MCP_BODY_BYTES_PER_USER/);
    expect((await served.ask("berta", "/hang", body)).status).toBe(200);
    await served.endAll();
    expect((await served.ask("anna", "/hang", body)).status).toBe(200);
  });

  it("without a length that is told count as the largest message", async () => {
    await serve({ bodyBytes: 20 * MiB });
    expect(await served.sendPieces("anna")).toBe(200);
    expect(await served.sendPieces("anna")).toBe(429);
    expect((await served.ask("anna", "/hang", "x")).status).toBe(200);
    await served.endAll();
    expect(await served.sendPieces("anna")).toBe(200);
  });
});
