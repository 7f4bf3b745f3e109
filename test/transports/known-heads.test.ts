import { describe, expect, it, onTestFinished, vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { AppError } from "../../src/core/errors.ts";
import { Guards } from "../../src/transports/http/guards.ts";
import { type Arrived, KnownHeads } from "../../src/transports/http/known-heads.ts";
import { headOf } from "../../src/transports/http/request-head.ts";
import { RateLimits } from "../../src/transports/rate-limits.ts";
import {
  bearer,
  credential,
  type HttpServerOptions,
  KnownTokens,
  openHttpServer,
  PING,
  remoteCaller,
} from "../support/http-server.ts";

const PAGE = "https://pages.example.com";
const ADA = bearer("ada");

/** A server, and how often its guards have been asked. */
async function open(more: HttpServerOptions = {}) {
  const asked = vi.spyOn(Guards.prototype, "refusalOfPlace");
  onTestFinished(() => asked.mockRestore());
  const authenticator = new KnownTokens({
    ada: credential(remoteCaller("ada")),
    ben: credential(remoteCaller("ben")),
  });
  const server = await openHttpServer({ authenticator }, more);
  const statusOf = async (headers: Record<string, string>) =>
    (await server.send(PING, headers)).status;
  return { ...server, authenticator, asked, statusOf };
}

describe("requests like one that has passed", () => {
  it("need not pass all guards again, whoever of those known sends them", async () => {
    const { statusOf, asked } = await open();
    expect(await statusOf(ADA)).toBe(200);
    expect(await statusOf(ADA)).toBe(200);
    expect(await statusOf(bearer("ben"))).toBe(200);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("are asked for their token each time", async () => {
    const { statusOf, authenticator } = await open();
    expect(await statusOf(ADA)).toBe(200);
    expect(await statusOf(bearer("eve"))).toBe(401);
    expect(await statusOf({})).toBe(401);
    // Each refusal is noted once.
    expect(authenticator.refusals).toHaveLength(1);
  });

  it("are asked for a token once there are users, and pass all guards once more", async () => {
    const { statusOf, authenticator, asked } = await open();
    authenticator.isOpen = true;
    expect(await statusOf({})).toBe(200);
    expect(await statusOf({})).toBe(200);
    authenticator.isOpen = false;
    expect(await statusOf({})).toBe(401);
    authenticator.isOpen = true;
    expect(await statusOf({})).toBe(200);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it("count for what a user may ask", async () => {
    const limits = new RateLimits({
      ...{ clock: systemClock, requestsPerMinute: 3, streams: 1, bodyBytes: 1e6 },
    });
    const { statusOf } = await open({ limits });
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) statuses.push(await statusOf(ADA));
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
  });

  it("are asked to come again where nobody can say who calls", async () => {
    const errors: Error[] = [];
    const { send, authenticator } = await open({ onError: (error) => errors.push(error) });
    expect((await send(PING, ADA)).status).toBe(200);
    const lost = new AppError("storage", "The record cannot be read.");
    const failing = vi.spyOn(authenticator, "isClosed").mockRejectedValue(lost);
    const reply = await send(PING, ADA);
    expect([reply.status, reply.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(errors).toEqual([lost]);
    failing.mockRestore();
    vi.spyOn(authenticator, "verify").mockRejectedValueOnce(lost);
    expect((await send(PING, ADA)).status).toBe(503);
    expect((await send(PING, ADA)).status).toBe(200);
  });
});

describe("requests that differ from one that has passed", () => {
  it.each([
    [{ via: "1.1 proxy" }],
    [{ "x-forwarded-for": "192.0.2.1" }],
    [{ origin: "https://evil.example" }],
  ])("are judged by the guards: %j", async (more) => {
    const { statusOf } = await open();
    expect(await statusOf(ADA)).toBe(200);
    expect(await statusOf({ ...ADA, ...more })).toBe(403);
    expect(await statusOf({ ...ADA, ...more })).toBe(403);
  });

  it("of a page are told each time that it may read the answer", async () => {
    const front = { hosts: [], origins: [PAGE], isProxy: () => false };
    const { send } = await open({ front });
    for (let n = 0; n < 3; n++) {
      const reply = await send(PING, { ...ADA, origin: PAGE });
      expect(reply.headers.get("access-control-allow-origin")).toBe(PAGE);
    }
  });

  it("in the length of their body alone are answered alike", async () => {
    const { send } = await open();
    const bodies: string[] = [];
    for (const id of [1, 22, 333]) {
      const text = await (await send({ ...PING, id }, ADA)).text();
      bodies.push(text.replace(`"id":${id}`, "ID"));
    }
    expect(new Set(bodies).size).toBe(1);
  });
});

describe("heads", () => {
  const request = (more: Partial<Arrived> = {}): Arrived => ({
    ...{ method: "POST", url: "/mcp", rawHeaders: ["Host", "localhost"], headers: {} },
    socket: { remoteAddress: "127.0.0.1" },
    ...more,
  });
  const known = (...all: Arrived[]) => {
    const heads = new KnownHeads();
    for (const one of all) heads.add(one, true);
    return (one: Arrived) => heads.wasClosed(one);
  };

  it("are the same whatever the token, the length and the trace", () => {
    const of = (...rawHeaders: string[]) => headOf({ method: "POST", url: "/mcp", rawHeaders });
    expect(of("Authorization", "x", "content-length", "7", "A", "b", "traceparent", "y")).toBe(
      of("A", "b", "Content-Length", "8"),
    );
    expect(of("A", "b")).not.toBe(of("A", "B"));
    expect(of("A", "b", "C", "d")).not.toBe(of("C", "d", "A", "b"));
    expect(of("A", "b".repeat(10_000))).toBeUndefined();
  });

  it("are known from the address that they came from, and no other", () => {
    const wasClosed = known(request());
    expect(wasClosed(request())).toBe(true);
    expect(wasClosed(request({ socket: { remoteAddress: "192.0.2.1" } }))).toBeUndefined();
    expect(known(request({ socket: {} }))(request({ socket: {} }))).toBeUndefined();
  });

  it("are kept of messages only, and of no page", () => {
    for (const other of [{ method: "GET" }, { headers: { origin: PAGE } }]) {
      expect(known(request(other))(request(other))).toBeUndefined();
    }
  });

  it("are few: the oldest go", () => {
    const all = Array.from({ length: 70 }, (_, n) => request({ url: `/mcp?${n}` }));
    const wasClosed = known(...all);
    expect(all.filter((one) => wasClosed(one) !== undefined)).toEqual(all.slice(6));
  });
});
