import { describe, expect, it } from "vitest";
import {
  addressRanges,
  hostNames,
  listeningHost,
  origins,
} from "../../src/settings/access-forms.ts";

describe("names by which clients may call", () => {
  it.each([
    ["mcp.example.com", ["mcp.example.com"]],
    ["MCP.Example.com:8443", ["mcp.example.com"]],
    ["localhost, mcp-2.example.com\n10.0.0.7", ["localhost", "mcp-2.example.com", "10.0.0.7"]],
    ["::1 [fe80::1]:8787", ["[::1]", "[fe80::1]"]],
    [" , ", []],
  ])("are read: %j", (value, names) => {
    expect(hostNames.parse(value)).toEqual(names);
  });

  it.each([
    "https://mcp.example.com",
    "mcp.example.com/mcp",
    "somebody@mcp.example.com",
    "mcp.example.com?x",
    "mcp.example.com#x",
    "*.example.com",
    "_mcp.example.com",
    "mcp.example.com:port",
  ])("are no %s, which is named", (wrong) => {
    const { error } = hostNames.safeParse(`good.example.com ${wrong}`);
    expect(error?.issues.map(({ message }) => message)).toEqual([
      `names "${wrong}"; it must be host names such as mcp.example.com, separated by commas`,
    ]);
  });
});

describe("origins of pages", () => {
  it.each([
    ["https://app.example.com", ["https://app.example.com"]],
    ["HTTP://localhost:6274/", ["http://localhost:6274"]],
  ])("are read: %s", (value, read) => {
    expect(origins.parse(value)).toEqual(read);
  });

  it.each(["app.example.com", "https://app.example.com/page", "https://*.example.com", "null"])(
    "are no %s",
    (wrong) => {
      expect(origins.safeParse(wrong).success).toBe(false);
    },
  );
});

describe("addresses and networks of proxies", () => {
  it("are read as they are", () => {
    expect(addressRanges.parse("10.0.0.0/8, 192.0.2.1 fd00::/8")).toEqual([
      "10.0.0.0/8",
      "192.0.2.1",
      "fd00::/8",
    ]);
    expect(addressRanges.parse("10.0.0.0/32,::/128")).toHaveLength(2);
  });

  it.each(["proxy", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/-1"])(
    "are no %s",
    (wrong) => {
      expect(addressRanges.safeParse(wrong).success).toBe(false);
    },
  );
});

describe("the address to listen on", () => {
  it.each([
    ["0.0.0.0", "0.0.0.0"],
    ["[::1]", "::1"],
    ["LocalHost", "localhost"],
  ])("is read: %s", (value, read) => {
    expect(listeningHost.parse(value)).toBe(read);
  });

  it.each(["", "127.0.0", "http://localhost", "local host", "127.0.0.1:80"])(
    "is no %j",
    (wrong) => {
      expect(listeningHost.safeParse(wrong).success).toBe(false);
    },
  );
});
