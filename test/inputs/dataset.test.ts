import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import * as yauzl from "yauzl";
import { type DatasetEntry, describeDataset, judgeDataset } from "../../src/inputs/dataset.ts";
import { readFolder } from "../../src/inputs/training-folder.ts";
import { inspectZip } from "../../src/inputs/training-zip.ts";
import { anyText } from "../support/any-text.ts";
import { picture } from "../support/pictures.ts";
import { tempDir } from "../support/temp-dir.ts";
import { renamed, zipOf } from "../support/zip.ts";

const NO_WISHES = { defaultCaption: undefined, referenceCount: undefined };
const CAPTIONED = { ...NO_WISHES, defaultCaption: "a cat" };

const image = (name: string, change: Partial<DatasetEntry> = {}): DatasetEntry => ({
  name,
  sizeBytes: 1000,
  mimeType: "image/png",
  width: 512,
  height: 512,
  ...change,
});
const caption = (name: string): DatasetEntry => ({ name, sizeBytes: 10 });

describe("a training set is judged by its files", () => {
  it("and is in order with pairs and captions", () => {
    const entries = [
      image("cat_start.png"),
      image("cat_start2.png"),
      image("cat_END.JPG"),
      caption("cat.txt"),
    ];
    expect(judgeDataset(entries, { ...NO_WISHES, referenceCount: 2 })).toEqual({
      pairs: 1,
      pictures: 3,
      captions: 1,
      sizeBytes: 3010,
      problems: [],
      warnings: [],
    });
  });

  it.each<[string, DatasetEntry[], string]>([
    ["no end", [image("cat_start.png")], "cat_end is missing."],
    ["no start", [image("cat_end.png")], "cat_start is missing."],
    [
      "a gap",
      [image("a_start.png"), image("a_start3.png"), image("a_end.png")],
      "a_start2 is missing.",
    ],
    ["a name of no pair", [image("cat.png")], "cat.png belongs to no pair"],
    ["a caption of no pair", [image("a_start.png"), caption("b.txt")], "b.txt is a caption of no"],
    ["something else", [image("a_start.png"), { name: "a.pdf", sizeBytes: 1 }], "a.pdf is neither"],
    ["a lying name", [{ name: "a_start.png", sizeBytes: 1 }], "a_start.png is neither a picture"],
    ["a subfolder", [image("set/a_start.png")], "set/a_start.png is in a subfolder"],
    [
      "sizes that differ",
      [image("a_start.png"), image("a_end.png", { width: 256 })],
      "start (512×512) and end (256×512) differ",
    ],
  ])("warns of %s", (_, entries, warning) => {
    const { warnings } = judgeDataset(entries, CAPTIONED);
    expect(warnings).toEqual(expect.arrayContaining([expect.stringContaining(warning)]));
  });

  it("misses captions only where there is no default, and counts references where asked", () => {
    const entries = [image("a_start.png"), image("a_end.png")];
    expect(judgeDataset(entries, CAPTIONED).warnings).toEqual([]);
    expect(judgeDataset(entries, NO_WISHES).warnings).toEqual([
      "a.txt is missing, and there is no default caption.",
    ]);
    expect(judgeDataset(entries, { ...CAPTIONED, referenceCount: 3 }).warnings).toEqual([
      "a has 1 references, not 3.",
    ]);
  });

  it("cannot be used without a picture", () => {
    expect(judgeDataset([caption("a.txt")], CAPTIONED).problems).toHaveLength(1);
    expect(judgeDataset([], CAPTIONED).problems).toHaveLength(1);
  });

  it("whatever its names, and tells it briefly", () => {
    fc.assert(
      fc.property(fc.array(anyText(), { maxLength: 50 }), (names) => {
        const report = judgeDataset(
          names.map((name) => image(name)),
          NO_WISHES,
        );
        expect(report.pictures + report.captions).toBe(names.length);
        expect(describeDataset(report).split("\nCheck: ").length).toBeLessThanOrEqual(13);
      }),
      { numRuns: 50 },
    );
  });
});

describe("a ZIP file", () => {
  it("is looked through, types and sizes by content", async () => {
    const zip = await zipOf({
      "cat_start.png": await picture("png"),
      "cat_end.png": await picture("jpeg", { width: 50 }),
      "cat.txt": Buffer.from("a cat"),
      "__MACOSX/._cat_start.png": Buffer.from("clutter"),
      ".DS_Store": Buffer.from("clutter"),
    });
    const report = await inspectZip(zip, NO_WISHES);
    expect(report).toMatchObject({ pairs: 1, pictures: 2, captions: 1, problems: [] });
    expect(report.warnings).toEqual(["cat: start (40×30) and end (50×30) differ in size."]);
  });

  it("that is incomplete is told what is missing", async () => {
    const zip = await zipOf({ "cat_start.png": await picture() });
    expect(await inspectZip(zip, NO_WISHES)).toMatchObject({
      pairs: 0,
      problems: [],
      warnings: ["cat_end is missing.", "cat.txt is missing, and there is no default caption."],
    });
  });

  it("with everything in a folder, or another archive inside, is told so", async () => {
    const inner = await zipOf({ "a_start.png": await picture() });
    const zip = await zipOf({
      "set/a_start.png": await picture(),
      "set/a_end.png": await picture(),
      "more.zip": inner,
    });
    const { warnings, problems, pairs } = await inspectZip(zip, CAPTIONED);
    expect({ pairs, problems }).toEqual({ pairs: 1, problems: [] });
    expect(warnings).toEqual([
      expect.stringContaining("set/a_start.png is in a subfolder"),
      expect.stringContaining("set/a_end.png is in a subfolder"),
      "more.zip is neither a picture nor a caption.",
    ]);
  });

  it.each(["../evil.png", "/etc/evil.p", "C:\\evil.pn", "a/../../e.p", "a\\..\\..\\e."])(
    "with a name that leads out of it is refused: %s",
    async (name) => {
      const honest = "x".repeat(name.length);
      const zip = renamed(await zipOf({ [honest]: await picture() }), honest, name);
      expect((await inspectZip(zip, CAPTIONED)).problems).toEqual([
        expect.stringContaining("leads out of it"),
      ]);
    },
  );

  it("that would burst is refused without being unpacked", async () => {
    const zip = await zipOf({
      "a_start.png": await picture(),
      "a_end.png": Buffer.alloc(200 * 1024 * 1024),
    });
    expect(zip.length).toBeLessThan(1024 * 1024);
    // What is packed in it cannot be unpacked: it would be said to be damaged.
    zip.fill(0xff, zip.length >> 2, zip.length >> 1);
    const { problems } = await inspectZip(zip, CAPTIONED);
    expect(problems).toEqual([
      expect.stringMatching(/^It would grow from [\d,]+ bytes to 209,7\d\d,\d{3} bytes/),
    ]);
  });

  it("that hides how much it would burst gives no more than it announced", async () => {
    const zip = await zipOf({ "a_start.png": Buffer.alloc(32 * 1024 * 1024) });
    const lying = Buffer.from(zip);
    const directory = lying.lastIndexOf(Buffer.from("PK\u0001\u0002", "latin1"));
    lying.writeUInt32LE(1000, directory + 24);
    expect((await inspectZip(lying, CAPTIONED)).problems.length).toBeGreaterThan(0);
  });

  it("with a link inside is refused", async () => {
    const zip = await zipOf({ "a_start.png": Buffer.from("/etc/passwd") });
    const directory = zip.lastIndexOf(Buffer.from("PK\u0001\u0002", "latin1"));
    zip.writeUInt32LE((0o120777 << 16) >>> 0, directory + 38);
    expect((await inspectZip(zip, CAPTIONED)).problems).toEqual([
      "a_start.png is a link, not a file.",
    ]);
  });

  it.each([
    ["nothing", ""],
    ["text", "not a zip file, although it is long enough to be one"],
    ["its head alone", "PK\u0003\u0004"],
  ])("that is none is refused: %s", async (_, text) => {
    expect((await inspectZip(Buffer.from(text, "latin1"), CAPTIONED)).problems[0]).toMatch(
      /no ZIP file/,
    );
  });
});

describe("a folder", () => {
  const places = (folder: string) => ({
    allowedDirs: [folder],
    workingDir: folder,
    homeDir: folder,
  });

  it("becomes an archive of its pictures and captions, the same every time", async () => {
    const folder = await tempDir();
    await writeFile(join(folder, "b_end.png"), await picture());
    await writeFile(join(folder, "b_start.png"), await picture("png", { width: 41 }));
    await writeFile(join(folder, "b.txt"), "a cat");
    await writeFile(join(folder, "notes.pdf"), "%PDF-1.7");
    await writeFile(join(folder, ".DS_Store"), "clutter");
    await mkdir(join(folder, "more"));
    await symlink("/etc/passwd", join(folder, "c.txt"));
    const dataset = await readFolder(folder, places(folder), NO_WISHES);
    expect(dataset.report).toMatchObject({ pairs: 1, pictures: 2, captions: 1, problems: [] });
    expect(dataset.report.warnings).toEqual(
      expect.arrayContaining([
        "notes.pdf is neither a picture nor a caption.",
        "more is a folder or link and was left out.",
        "c.txt is a folder or link and was left out.",
      ]),
    );
    const zip = await buffer(dataset.zip());
    expect(await namesIn(zip)).toEqual(["b.txt", "b_end.png", "b_start.png"]);
    expect((await inspectZip(zip, NO_WISHES)).pairs).toBe(1);
    const again = await readFolder(folder, places(folder), NO_WISHES);
    expect((await buffer(again.zip())).equals(zip)).toBe(true);
  });

  it("loses the places its pictures were made at on the way", async () => {
    const folder = await tempDir();
    const photo = await sharp(await picture("jpeg"))
      .withExif({ IFD3: { GPSLatitudeRef: "N", GPSLatitude: "48/1 8/1 0/1" } })
      .jpeg()
      .toBuffer();
    await writeFile(join(folder, "a_start.jpg"), photo);
    const dataset = await readFolder(folder, places(folder), CAPTIONED);
    const zip = await buffer(dataset.zip());
    expect(dataset.changes).toEqual(["a_start.jpg was sent changed: its location was removed."]);
    expect(photo.includes("Exif")).toBe(true);
    expect(zip.includes("Exif")).toBe(false);
  });

  it("that changes while it is zipped gives no archive", async () => {
    const folder = await tempDir();
    await writeFile(join(folder, "a_start.png"), await picture());
    const dataset = await readFolder(folder, places(folder), CAPTIONED);
    await writeFile(join(folder, "a_start.png"), "no picture any more");
    await expect(buffer(dataset.zip())).rejects.toMatchObject({ code: "invalid_input" });
  });
});

async function namesIn(zip: Buffer): Promise<string[]> {
  const file = await yauzl.fromBufferPromise(zip);
  const names: string[] = [];
  for await (const entry of file.eachEntry()) {
    names.push(entry.fileName);
    await buffer(Readable.from(await file.openReadStreamPromise(entry)));
  }
  return names;
}
