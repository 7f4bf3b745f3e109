import { describe, expect, it } from "vitest";
import { Guards } from "../../src/transports/http/guards.ts";
import {
  hostnamesOf,
  inRanges,
  isAnyAddress,
  NO_FRONT,
} from "../../src/transports/http/in-front.ts";

const HOSTS = ["mcp.example.com"];

describe("what Host may name", () => {
  it.each([
    ["127.0.0.1", [], []],
    ["::1", HOSTS, HOSTS],
    ["10.0.0.7", [], ["10.0.0.7"]],
    ["10.0.0.7", HOSTS, HOSTS],
    ["fd00::7", [], ["[fd00::7]"]],
    ["0.0.0.0", HOSTS, HOSTS],
    ["0.0.0.0", [], undefined],
    ["::", [], undefined],
  ])("listening on %s with %j: %j", (host, hosts, named) => {
    expect(hostnamesOf({ ...NO_FRONT, hosts }, host)).toEqual(named);
  });

  it("the name that tokens are made for, too", () => {
    const front = { ...NO_FRONT, outside: "mcp.example.com" };
    expect(hostnamesOf(front, "127.0.0.1")).toEqual(["mcp.example.com"]);
    expect(hostnamesOf(front, "10.0.0.7")).toEqual(["10.0.0.7", "mcp.example.com"]);
    expect(hostnamesOf(front, "0.0.0.0")).toBeUndefined();
  });

  it.each(["0.0.0.0", "::", "0:0:0:0:0:0:0:0"])("%s is every address", (host) => {
    expect(isAnyAddress(host)).toBe(true);
  });

  it.each(["127.0.0.1", "::1", "10.0.0.0", "fd00::", "localhost"])("%s is one address", (host) => {
    expect(isAnyAddress(host)).toBe(false);
  });
});

describe("trusted proxies", () => {
  const isProxy = inRanges(["10.1.2.3", "192.168.0.0/16", "fd00::/8", "::1"]);

  it.each(["10.1.2.3", "192.168.77.1", "::ffff:192.168.77.1", "fd12::1", "::1"])(
    "%s is one",
    (address) => expect(isProxy(address)).toBe(true),
  );

  it.each(["10.1.2.4", "192.169.0.1", "::ffff:10.1.2.4", "fe80::1%eth0", "127.0.0.1", "", "host"])(
    "%j is none",
    (address) => expect(isProxy(address)).toBe(false),
  );
});

describe("what is let in", () => {
  const front = {
    hosts: HOSTS,
    origins: ["https://app.example.com"],
    isProxy: inRanges(["10.0.0.1"]),
  };
  const place = (isClosed: boolean, headers: Record<string, string>, host = "127.0.0.1") =>
    new Guards(front, host).refusalOfPlace({
      ...{ headers: new Headers({ host: "localhost", ...headers }), isClosed, address: "10.0.0.1" },
    })?.status;
  const way = (isClosed: boolean, address: string, name: string) =>
    new Guards(front, "127.0.0.1").refusalOfWay({
      ...{ headers: new Headers({ [name]: "1.2.3.4" }), isClosed, address },
    })?.status;

  it("with users, what the settings name", () => {
    expect(place(true, { host: "mcp.example.com:443" })).toBeUndefined();
    expect(place(true, { origin: "https://app.example.com" })).toBeUndefined();
    expect(way(true, "10.0.0.1", "x-forwarded-for")).toBeUndefined();
  });

  it("without users, this machine only, whatever the settings name", () => {
    expect(place(false, {})).toBeUndefined();
    expect(place(false, { host: "mcp.example.com" })).toBe(403);
    expect(place(false, { origin: "https://app.example.com" })).toBe(403);
    expect(way(false, "10.0.0.1", "x-forwarded-for")).toBe(403);
  });

  it.each([
    ["another host", { host: "evil.example" }],
    ["a name below an allowed one", { host: "a.mcp.example.com" }],
    ["two hosts", { host: "mcp.example.com, evil.example" }],
    ["another origin", { origin: "https://evil.example" }],
    ["an allowed origin by another scheme", { origin: "http://app.example.com" }],
    ["an allowed origin at another port", { origin: "https://app.example.com:8443" }],
    ["a page without an origin", { origin: "null" }],
  ])("never %s", (_, headers) => {
    expect(place(true, headers)).toBe(403);
  });

  it("pages of this machine only where it listens for this machine", () => {
    const origin = "http://localhost:6274";
    expect(place(true, { origin })).toBeUndefined();
    expect(place(true, { origin }, "10.0.0.7")).toBe(403);
  });

  it.each(["forwarded", "x-forwarded-for", "X_Real_IP", "via", "cf-connecting-ip"])(
    "no %s from who is no trusted proxy",
    (name) => {
      expect(way(true, "10.0.0.2", name)).toBe(403);
      expect(way(true, "10.0.0.1", name)).toBeUndefined();
    },
  );
});
