import { describe, expect, it } from "vitest";
import { pictureFromBase64, plainDataUri } from "../../src/arguments/picture-text.ts";

const PNG = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(40, 7)]);
const starting = (...parts: (string | number[])[]) =>
  Buffer.concat([
    ...parts.map((part) =>
      typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part),
    ),
    Buffer.alloc(40, 0xfb),
  ]);

describe("a picture given as nothing but its base64", () => {
  it.each([
    ["image/png", PNG],
    ["image/jpeg", starting([0xff, 0xd8, 0xff, 0xe0])],
    ["image/gif", starting("GIF89a")],
    ["image/gif", starting("GIF87a")],
    ["image/webp", starting("RIFF", [1, 2, 3, 4], "WEBP")],
    ["image/tiff", starting("II*\0")],
    ["image/tiff", starting("MM\0*")],
    ["image/avif", starting([0, 0, 0, 32], "ftypavif")],
    ["image/bmp", starting("BM", [1, 2, 3, 4, 0, 0, 0, 0])],
  ])("is known as %s by its first bytes", (type, bytes) => {
    const base64 = bytes.toString("base64");
    expect(pictureFromBase64(base64)).toBe(`data:${type};base64,${base64}`);
    const inAddresses = bytes.toString("base64url");
    expect(pictureFromBase64(inAddresses)).toBe(`data:${type};base64,${base64.replace(/=+$/, "")}`);
  });

  it("may be broken into lines", () => {
    const base64 = PNG.toString("base64");
    const lines = base64.replaceAll(/.{16}/g, "$&\n");
    expect(pictureFromBase64(lines)).toBe(`data:image/png;base64,${base64}`);
  });

  it.each([
    ["a path", "pictures/of/the/harbour/at/night/with/boats"],
    ["short text", PNG.toString("base64").slice(0, 20)],
    [
      "base64 of something else",
      Buffer.from("Hello, this is no picture at all, is it?").toString("base64"),
    ],
    ["what ends as something else", `${PNG.toString("base64")}\u0000`],
    ["a bitmap's letters alone", starting("BM", [1, 2, 3, 4, 5, 6, 7, 8]).toString("base64")],
    ["an address", "https://a.example/iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"],
  ])("is not seen in %s", (_, text) => {
    expect(pictureFromBase64(text)).toBeUndefined();
  });
});

describe("a data URI", () => {
  it.each(["data:image/png;base64,AAAA", "data:application/zip;base64,AAAA\nAAAA"])(
    "that stands there as it should stays: %j",
    (uri) => {
      expect(plainDataUri(uri)).toBe(uri);
    },
  );

  it.each([
    ["DATA:IMAGE/PNG;BASE64,AAAA", "DATA:IMAGE/PNG;BASE64,AAAA"],
    ["data:image/png;charset=utf-8;base64,AAAA", "data:image/png;base64,AAAA"],
    ['data:image/png;name="a.png";base64,AAAA', "data:image/png;base64,AAAA"],
    ["data:image/png ; base64 , AAAA", "data:image/png;base64,AAAA"],
    ["data:;base64,AAAA", "data:application/octet-stream;base64,AAAA"],
    ["data:image/png;base64,A-_A", "data:image/png;base64,A+/A"],
    ["data:image/png;base64,A%2BA%2F%3D", "data:image/png;base64,A+A/="],
    ["data:image/png;base64,AA%0D%0AAA", "data:image/png;base64,AAAA"],
  ])("%j is understood as %j", (given, plain) => {
    expect(plainDataUri(given)).toBe(plain);
  });

  it.each([
    "data:text/plain;base64,AAAA",
    "data:image/png,AAAA",
    "data:image/png;base64,",
    "data:image/png;base64,A*AA",
    "image/png;base64,AAAA",
    `data:image/png;x=${"a".repeat(300)};base64,AAAA`,
    "",
  ])("is not %j", (given) => {
    expect(plainDataUri(given)).toBeUndefined();
  });
});
