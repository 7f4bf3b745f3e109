import { describe, expect, it } from "vitest";
import {
  looksLikeAddress,
  readAddress,
  splitAddresses,
} from "../../src/arguments/web-addresses.ts";

describe("addresses in a text", () => {
  const [one, two] = ["https://a.example/x,y;z.png", "http://b.example/2.png"];

  it.each([` `, ",", ", ", ";", "\n", " ;, "])(
    "are parted by %j where another begins",
    (between) => {
      expect(splitAddresses(one + between + two)).toEqual([one, two]);
    },
  );

  it.each([one, "pictures/a.png, pictures/b.png", "see https://a.example", ""])(
    "%j is one",
    (text) => {
      expect(splitAddresses(text)).toEqual([text]);
    },
  );

  it.each([
    ["https://a.example", true],
    ["HTTP:/a", true],
    ["https:", true],
    ["ftp://a.example", false],
    ["a.example", false],
    [" https://a.example", false],
  ])("%j wants to be one: %s", (text, wants) => {
    expect(looksLikeAddress(text)).toBe(wants);
  });
});

describe("an address that the provider is to call", () => {
  it.each([
    "https://a.example/x.png",
    "http://a.example:8080/x?y=1,2#z",
    "HTTPS://A.EXAMPLE/x",
    "https://93.184.216.34/x",
  ])("%s is taken as it stands", (text) => {
    expect(readAddress(text, false)).toEqual({ text });
  });

  it.each([
    ["https://bücher.example/ä.png", "https://xn--bcher-kva.example/%C3%A4.png"],
    ["https://a.example/日本", "https://a.example/%E6%97%A5%E6%9C%AC"],
  ])("%s travels as %s", (text, encoded) => {
    expect(readAddress(text, false)).toEqual({ text: encoded });
  });

  it.each([
    ["https://a.example/a b", "is not one clean https URL."],
    ["https://a.example/\u202egnp.a", "is not one clean https URL."],
    ["https://a.example/<x>", "is not one clean https URL."],
    ["https://a.example\\x", "is not one clean https URL."],
    ["https://", "is not one clean https URL."],
    ["https:///x", "is not one clean https URL."],
    ["https:a.example", "is not one clean https URL."],
    ["https://a.example:99999/x", "is not one clean https URL."],
    ["ftp://a.example/x", "is not one clean https URL."],
    ["https://a.example/1 https://a.example/2", "takes one address, not several."],
    ["https://anna@a.example/x", "must not carry a user name or password"],
    ["https://anna:secret@a.example/x", "must not carry a user name or password"],
    ["https://:secret@a.example/x", "must not carry a user name or password"],
    [`https://a.example/${"x".repeat(8_192)}`, "an address may have 8192."],
  ])("%s is refused", (text, problem) => {
    expect(readAddress(text, true)).toEqual({ problem: expect.stringContaining(problem) });
  });

  it.each([
    "http://localhost/x",
    "http://127.0.0.1/x",
    "http://127.1/x",
    "http://2130706433/x",
    "http://[::1]/x",
    "http://[::ffff:127.0.0.1]/x",
    "http://10.0.0.5/x",
    "http://192.168.1.1/x",
    "http://169.254.169.254/latest",
    "http://printer.local/x",
  ])("%s is one that the provider does not see, unless it is here as well", (text) => {
    expect(readAddress(text, false)).toMatchObject({ isLocal: true });
    expect(readAddress(text, true)).toEqual({ text });
  });
});
