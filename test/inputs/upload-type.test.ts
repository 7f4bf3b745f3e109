import { describe, expect, it } from "vitest";
import { HEAD_BYTES } from "../../src/core/file-head.ts";
import { TextCheck, uploadTypeOf } from "../../src/inputs/upload-type.ts";

const TEXT = { kind: "text", mimeType: "text/plain", extension: "txt" };
const head = (content: string | Buffer) => Buffer.from(content).subarray(0, HEAD_BYTES);

describe("what an uploaded file is by its first bytes", () => {
  it.each([
    ["PNG", Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"), "image/png", "png"],
    ["JPEG", Buffer.from("ffd8ffe000104a46494600010100", "hex"), "image/jpeg", "jpg"],
    ["GIF", Buffer.from("GIF89a\u0001\u0000\u0001\u0000"), "image/gif", "gif"],
    ["WebP", Buffer.from("RIFF\u0004\u0000\u0000\u0000WEBPVP8 "), "image/webp", "webp"],
  ])("a picture: %s", async (_, bytes, mimeType, extension) => {
    const file = Buffer.concat([bytes, Buffer.alloc(64)]);
    expect(await uploadTypeOf(file)).toEqual({ kind: "picture", mimeType, extension });
  });

  it("a ZIP archive, whatever lies in it", async () => {
    const zip = { kind: "archive", mimeType: "application/zip", extension: "zip" };
    for (const name of ["a.png", "word/document.xml", "META-INF/MANIFEST.MF"]) {
      const file = Buffer.concat([
        Buffer.from("PK\u0003\u0004"),
        Buffer.alloc(26),
        Buffer.from(name),
      ]);
      expect(await uploadTypeOf(file)).toEqual(zip);
    }
  });

  it.each([
    "a",
    "Hello,\nworld.\n",
    "ünïcödé 日本 🎨",
    '<?xml version="1.0"?><a/>',
    "<html></html>",
  ])("text: %j", async (content) => {
    expect(await uploadTypeOf(Buffer.from(content))).toEqual(TEXT);
  });

  it.each(["é", "日", "🎨"])(
    "text, though its head ends within a character: %s",
    async (character) => {
      for (let before = 0; before < 4; before++) {
        const content = "a".repeat(before) + character.repeat(HEAD_BYTES);
        expect(await uploadTypeOf(head(content)), `${before}`).toEqual(TEXT);
      }
    },
  );

  it.each([
    ["nothing", "", "no text in UTF-8"],
    ["a NUL in it", "text\u0000text", "no text in UTF-8"],
    ["an older encoding", Buffer.from([0x66, 0xfc, 0x72, 0x20, 0x61]), "no text in UTF-8"],
    ["less than a character", Buffer.from([0xe6, 0x97]), "no text in UTF-8"],
    ["a PDF", "%PDF-1.7\n%âãÏÓ\n", "a file of type application/pdf"],
    [
      "a program",
      Buffer.concat([Buffer.from("\u007fELF"), Buffer.alloc(60)]),
      "a file of type application/x-elf",
    ],
  ])("none of these: %s", async (_, content, seems) => {
    expect(await uploadTypeOf(Buffer.from(content))).toEqual({ seems });
  });
});

describe("text that comes in pieces", () => {
  const check = (...pieces: Buffer[]) => {
    const text = new TextCheck();
    return [...pieces.map((piece) => text.isText(piece)), text.isText()];
  };

  it("is text however it is cut", () => {
    const bytes = Buffer.from("ü日🎨");
    for (let at = 0; at <= bytes.length; at++) {
      expect(check(bytes.subarray(0, at), bytes.subarray(at)), `${at}`).toEqual([true, true, true]);
    }
  });

  it("is none where it ends within a character", () => {
    expect(check(Buffer.from("🎨").subarray(0, 3))).toEqual([true, false]);
  });

  it("is none from where something else stands in it", () => {
    expect(check(Buffer.from("a"), Buffer.from([0xff]))[1]).toBe(false);
    expect(check(Buffer.from("a\u0000b"))[0]).toBe(false);
  });
});
