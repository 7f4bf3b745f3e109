import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { HEAD_BYTES } from "../../src/core/file-head.ts";
import { asDownloadFailure, DownloadFailure } from "../../src/media/download-failure.ts";
import { typeByBeginning, typeOf } from "../../src/media/fetched-type.ts";
import { isHarmlessEnding, isWhatItIsCalled } from "../../src/media/harmless.ts";
import { tempDir } from "../support/temp-dir.ts";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const ZIP = Buffer.concat([Buffer.from("PK\x03\x04"), Buffer.alloc(60)]);
const WEIGHTS = Buffer.concat([
  Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]),
  Buffer.from("{}"),
  Buffer.alloc(8),
]);

let path: string;
beforeEach(async () => {
  path = join(await tempDir(), "file");
});

describe("what a file that was fetched is", () => {
  const of = async (content: Buffer | string, url = "https://cdn.example/a") => {
    await writeFile(path, content);
    return typeOf(path, url, Buffer.from(content).subarray(0, HEAD_BYTES));
  };

  it("a picture also where what tells so begins far behind its head", async () => {
    const chunk = (name: string, content: Buffer) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(content.length);
      return Buffer.concat([length, Buffer.from(name), content, Buffer.alloc(4)]);
    };
    const head = 33;
    const profile = chunk("iCCP", Buffer.alloc(20_000));
    const png = Buffer.concat([PNG.subarray(0, head), profile, PNG.subarray(head)]);
    expect(await of(png)).toMatchObject({ mimeType: "image/png", isPicture: true });

    // Its directory, with one tag, is behind its pixels.
    const tiff = Buffer.alloc(30_100);
    tiff.write("II*\0", "latin1");
    tiff.writeUInt32LE(30_000, 4);
    tiff.writeUInt16LE(1, 30_000);
    expect(await of(tiff)).toMatchObject({ mimeType: "image/tiff", isPicture: true });
  });

  it("told by its beginning as by all of it, or not at all", async () => {
    const tiff = Buffer.alloc(30_100);
    tiff.write("II*\0", "latin1");
    tiff.writeUInt32LE(30_000, 4);
    tiff.writeUInt16LE(1, 30_000);
    const told: [Buffer, string][] = [
      [PNG, "a"],
      [ZIP, "a.zip"],
      [WEIGHTS, "a.safetensors"],
      [Buffer.concat([ZIP, Buffer.alloc(9_000, "x")]), "a.zip"],
      [Buffer.alloc(9_000, "words"), "a.txt"],
    ];
    for (const [content, name] of told) {
      const url = `https://cdn.example/${name}`;
      expect(await typeByBeginning(content.subarray(0, 5_000), url)).toEqual(
        await of(content, url),
      );
    }
    for (const content of [tiff, Buffer.from("MMII"), Buffer.from("ID3"), Buffer.from("II")]) {
      expect(await typeByBeginning(content.subarray(0, 5_000), "https://a.example")).toBe(
        undefined,
      );
    }
    const page = Buffer.from("<html>".padEnd(9_000));
    await expect(typeByBeginning(page, "https://a.example")).rejects.toMatchObject({
      kind: "unusable",
    });
  });

  it("a picture by its bytes, whatever its address says", async () => {
    for (const url of ["https://cdn.example/a", "https://cdn.example/a.html"]) {
      expect(await of(PNG, url)).toEqual({
        mimeType: "image/png",
        extension: "png",
        isPicture: true,
      });
    }
  });

  it.each([
    ["x.safetensors", WEIGHTS, "safetensors", "application/octet-stream"],
    ["x.json", '{"a": 1}', "json", "application/json"],
    ["x.ZIP?size=1", ZIP, "zip", "application/zip"],
    ["x.exe", "MZ", "bin", undefined],
    ["x", "text", "bin", "application/octet-stream"],
    ["x.png", "no picture", "bin", "application/octet-stream"],
  ])("%s else by a well-known ending", async (name, content, extension, mimeType) => {
    const type = await of(content, `https://cdn.example/${name}`);
    expect(type).toMatchObject({ extension, isPicture: false });
    if (mimeType !== undefined) expect(type.mimeType).toBe(mimeType);
  });

  it.each([
    "<!DOCTYPE html><p>Sign in",
    "  <html>",
    "<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    "<!-- words --><svg/>",
    "\ufeff<html>",
    "<script>1</script>",
    "<BODY>",
  ])("no document, which an error page is: %j", async (content) => {
    for (const encoding of ["utf8", "utf16le"] as const) {
      await expect(of(Buffer.from(content, encoding))).rejects.toMatchObject({ kind: "unusable" });
    }
  });
});

describe("what may lie where somebody clicks", () => {
  it.each([
    "png",
    "JPG",
    "jpeg",
    "webp",
    "gif",
    "avif",
    "tif",
    "tiff",
    "zip",
    "safetensors",
    "md",
    "json",
    "txt",
  ])("may be called .%s", (extension) => {
    expect(isHarmlessEnding(extension)).toBe(true);
  });

  it.each(["exe", "html", "svg", "sh", "command", "desktop", "app", "lnk", "", "png.exe"])(
    "may not be called .%s",
    (extension) => {
      expect(isHarmlessEnding(extension)).toBe(false);
    },
  );

  it.each([
    [PNG, "png", true],
    [PNG, "PNG", true],
    [PNG, "jpg", false],
    [PNG, "md", false],
    ["words", "md", true],
    ["words", "txt", true],
    ["words", "png", false],
    ["wo\0rds", "txt", false],
    ["#!/bin/sh", "sh", false],
    [ZIP, "zip", true],
    [WEIGHTS, "safetensors", true],
    ["#!/bin/sh\nrm -rf ~", "safetensors", false],
    ["short", "safetensors", false],
    [Buffer.concat([Buffer.alloc(8, 0xff), Buffer.from("{}")]), "safetensors", false],
    [Buffer.concat([Buffer.alloc(8), Buffer.from("{}")]), "safetensors", false],
  ] as const)("is what it is called (%#)", async (content, extension, is) => {
    await writeFile(path, content);
    expect(await isWhatItIsCalled(path, extension)).toBe(is);
  });
});

describe("why a download did not succeed", () => {
  const coded = (code: string) => Object.assign(new Error("inside"), { code });

  it.each(["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "EIO", "ENOENT", "EMFILE"])(
    "%s is this server's disk, and no fault of the provider's",
    (code) => {
      const failure = asDownloadFailure(coded(code));
      expect(failure).toMatchObject({
        code: "storage",
        message: `The file could not be written (${code}).`,
      });
    },
  );

  it.each(["ECONNRESET", "EPIPE", "ETIMEDOUT", ""])("%j is the connection", (code) => {
    const failure = asDownloadFailure(coded(code));
    expect(failure).toMatchObject({ kind: "transient", message: "the connection broke" });
    expect(failure.message).not.toContain("inside");
  });

  it("is told once", () => {
    for (const known of [new DownloadFailure("gone", "404"), new AppError("storage", "Full.")]) {
      expect(asDownloadFailure(known)).toBe(known);
    }
    expect(asDownloadFailure("thrown text")).toMatchObject({ kind: "transient" });
  });
});
