import { expect, it } from "vitest";
import { isSeenOutside } from "../../src/gateway/seen-outside.ts";

const PUBLIC = "93.184.216.34";
const resolver =
  (...addresses: string[]) =>
  async () =>
    addresses;
const silent = async () => {
  throw new Error("no such host");
};

it.each([
  "localhost",
  "127.0.0.1",
  "[::1]",
  "10.1.2.3",
  "192.168.0.9",
  "169.254.1.1",
  "minio",
  "s3.local",
  "s3.internal",
  "[fd00::1]",
])("%s is seen by nobody elsewhere, whatever a resolver says", async (host) => {
  expect(await isSeenOutside(host, resolver(PUBLIC))).toBe(false);
});

it.each([
  ["s3.example.com", resolver(PUBLIC), true],
  ["s3.example.com", resolver("10.0.0.7", PUBLIC), true],
  ["s3.example.com", resolver("10.0.0.7", "fd00::1"), false],
  ["s3.example.com", resolver("127.0.0.1"), false],
  // It may be asked through a proxy, which knows more.
  ["s3.example.com", silent, true],
  ["s3.example.com", resolver(), true],
  [PUBLIC, resolver(PUBLIC), true],
] as const)("%s is seen as its addresses are (%#)", async (host, resolve, expected) => {
  expect(await isSeenOutside(host, resolve)).toBe(expected);
});
