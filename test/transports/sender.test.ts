import { describe, expect, it } from "vitest";
import { inRanges } from "../../src/transports/http/in-front.ts";
import { senderOf } from "../../src/transports/http/sender.ts";
import {
  bearer,
  credential,
  KnownTokens,
  openHttpServer,
  PING,
  remoteCaller,
} from "../support/http-server.ts";

const isProxy = inRanges(["10.0.0.0/8", "fd00::/8"]);
const PROXY = "10.0.0.1";
const from = (address: string, headers: Record<string, string>) =>
  senderOf(address, new Headers(headers), isProxy);

describe("from where a request came", () => {
  it.each<[string, Record<string, string>, string]>([
    ["the proxy's one hop", { "x-forwarded-for": "192.0.2.7" }, "192.0.2.7"],
    ["the last hop before our proxies", { "x-forwarded-for": "192.0.2.7, 10.2.3.4" }, "192.0.2.7"],
    [
      "not what the sender wrote itself",
      { "x-forwarded-for": "198.51.100.1, 192.0.2.7" },
      "192.0.2.7",
    ],
    ["with a port", { "x-forwarded-for": "192.0.2.7:4711" }, "192.0.2.7"],
    ["by IPv6", { "x-forwarded-for": "2001:db8::7" }, "2001:db8::7"],
    ["by IPv6 with a port", { "x-forwarded-for": "[2001:db8::7]:4711" }, "2001:db8::7"],
    ["by IPv4 as IPv6", { "x-forwarded-for": "::ffff:192.0.2.7" }, "192.0.2.7"],
    ["as RFC 7239 has it", { forwarded: 'for="[2001:db8::7]:47";proto=https' }, "2001:db8::7"],
    [
      "the last of several there",
      { forwarded: "for=198.51.100.1, by=x; for=192.0.2.7" },
      "192.0.2.7",
    ],
    ["as nginx is often told to say it", { "x-real-ip": "192.0.2.7" }, "192.0.2.7"],
    [
      "by the header that proxies overwrite, whatever a client puts into another",
      { "x-forwarded-for": "192.0.2.7", forwarded: "for=198.51.100.1", "x-real-ip": "1.1.1.1" },
      "192.0.2.7",
    ],
    ["the proxy where it says nothing", {}, PROXY],
    ["the proxy where it is nobody's address", { "x-forwarded-for": "unknown" }, PROXY],
    ["the proxy where it is anything else", { "x-forwarded-for": "ada <script>" }, PROXY],
    [
      "no further than what can be read",
      { "x-forwarded-for": "192.0.2.7, _x, 10.0.0.2" },
      "10.0.0.2",
    ],
    ["the farthest of our own", { "x-forwarded-for": "10.0.0.9, 10.0.0.2" }, "10.0.0.9"],
  ])("is told by a proxy that is believed: %s", (_, headers, sender) => {
    expect(from(PROXY, headers)).toBe(sender);
    expect(from(`::ffff:${PROXY}`, headers)).toBe(sender);
  });

  it("is told by nobody else", () => {
    expect(from("192.0.2.9", { "x-forwarded-for": "198.51.100.1" })).toBe("192.0.2.9");
    expect(from("::ffff:192.0.2.9", { forwarded: "for=198.51.100.1" })).toBe("192.0.2.9");
  });

  it("is looked for in a header of any length", () => {
    const long = Array.from({ length: 5_000 }, () => "10.0.0.2").join(",");
    expect(from(PROXY, { "x-forwarded-for": `192.0.2.7,${long}` })).toBe("10.0.0.2");
  });
});

describe("a refused login", () => {
  const knock = async (proxies: string[], headers: Record<string, string>) => {
    const authenticator = new KnownTokens({ good: credential(remoteCaller("ada")) });
    const front = { hosts: [], origins: [], isProxy: inRanges(proxies) };
    const server = await openHttpServer({ authenticator }, { front });
    const { status } = await server.send(PING, { ...bearer("wrong"), ...headers });
    return { status, refusals: authenticator.refusals };
  };

  it("is noted with the address that the trusted proxy tells", async () => {
    const told = await knock(["127.0.0.1"], { "x-forwarded-for": "198.51.100.1, 192.0.2.7" });
    expect(told).toEqual({ status: 401, refusals: ["192.0.2.7"] });
  });

  it("that came through anybody else is none, since nobody asked who it was", async () => {
    const told = await knock(["10.0.0.1"], { "x-forwarded-for": "192.0.2.7" });
    expect(told).toEqual({ status: 403, refusals: [] });
  });
});
