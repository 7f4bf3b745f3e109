import { Agent, request } from "undici";
import { describe, expect, it, onTestFinished } from "vitest";
import { isLoopbackHost, isPublicAddress } from "../../src/core/host-addresses.ts";
import { checkedConnector } from "../../src/gateway/connector.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { RefusedAddress } from "../../src/gateway/refused-address.ts";
import { json, rawServer } from "../support/raw-server.ts";

describe("addresses that media may come from", () => {
  it.each([
    "1.1.1.1",
    "8.8.8.8",
    "104.16.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "192.167.255.255",
    "223.255.255.255",
    "2606:4700::1111",
    "[2606:4700::1111]",
    "2a00:1450:4001::200e",
  ])("%s", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe("addresses that no media may come from", () => {
  it.each([
    ["this network", "0.0.0.0"],
    ["private", "10.0.0.1"],
    ["carrier-grade NAT", "100.64.0.1"],
    ["carrier-grade NAT, the end", "100.127.255.255"],
    ["loopback", "127.0.0.1"],
    ["loopback, the end", "127.255.255.254"],
    ["link-local: cloud metadata", "169.254.169.254"],
    ["private", "172.16.0.1"],
    ["private, the end", "172.31.255.255"],
    ["protocol assignments", "192.0.0.1"],
    ["documentation", "192.0.2.1"],
    ["6to4 relays", "192.88.99.1"],
    ["private", "192.168.1.1"],
    ["benchmarks", "198.18.0.1"],
    ["benchmarks, the end", "198.19.255.255"],
    ["documentation", "198.51.100.1"],
    ["documentation", "203.0.113.1"],
    ["multicast", "224.0.0.1"],
    ["reserved", "240.0.0.1"],
    ["broadcast", "255.255.255.255"],
    ["unspecified", "::"],
    ["loopback", "::1"],
    ["loopback in brackets", "[::1]"],
    ["mapped loopback", "::ffff:127.0.0.1"],
    ["mapped loopback, in hex", "::ffff:7f00:1"],
    ["mapped public: no public server is reached so", "::ffff:8.8.8.8"],
    ["compatible", "::8.8.8.8"],
    ["NAT64", "64:ff9b::7f00:1"],
    ["NAT64 of a private network", "64:ff9b:1::1"],
    ["discard", "100::1"],
    ["Teredo", "2001::1"],
    ["ORCHID", "2001:20::1"],
    ["documentation", "2001:db8::1"],
    ["documentation", "3fff::1"],
    ["6to4 of loopback", "2002:7f00:1::"],
    ["unique local", "fc00::1"],
    ["unique local", "fd12:3456::1"],
    ["link-local", "fe80::1"],
    ["link-local with a zone", "fe80::1%eth0"],
    ["site-local", "fec0::1"],
    ["multicast", "ff02::1"],
    ["no address", "localhost"],
    ["no address", ""],
    ["no address", "1.2.3"],
    ["octal", "0177.0.0.1"],
  ])("%s: %s", (_why, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe("loopback by its name", () => {
  it.each(["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "::1", "[::1]"])("%s", (host) => {
    expect(isLoopbackHost(host)).toBe(true);
  });

  it.each(["127.0.0.1.example.com", "localhost.example.com", "0.0.0.0", "10.0.0.1", "127", ""])(
    "not %s",
    (host) => {
      expect(isLoopbackHost(host)).toBe(false);
    },
  );
});

describe("the connector for media", () => {
  /** Every way a URL can spell this machine. */
  const spellings = [
    "127.0.0.1",
    "localhost",
    "LocalHost",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0.0.0.0",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::1]",
  ];

  it.each(spellings)("opens no socket to %s", async (host) => {
    const server = await rawServer((_hit, response) => json(response, 200, {}));
    const agent = new Agent({ connect: checkedConnector(1_000) });
    onTestFinished(() => agent.destroy());
    const failure = await request(`http://${host}:${server.port}/`, { dispatcher: agent }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(RefusedAddress);
    expect(server.connections).toBe(0);
  });

  it("stands in the client that media go through, unless the origin is one of ours", async () => {
    const server = await rawServer((_hit, response) => json(response, 200, {}));
    const client = new HttpClient();
    onTestFinished(() => client.close());
    const url = new URL(`http://localhost:${server.port}/a.png`);
    const signal = new AbortController().signal;
    await expect(
      client.open(url, { headers: {}, allowLoopback: false, signal }),
    ).rejects.toMatchObject({ cause: expect.any(RefusedAddress) });
    expect(server.connections).toBe(0);
    const reply = await client.open(url, { headers: {}, allowLoopback: true, signal });
    reply.body.resume();
    expect(reply.status).toBe(200);
  });
});
