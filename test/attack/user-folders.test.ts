import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import sharp from "sharp";
import { beforeEach, describe, expect, it } from "vitest";
import { DiskStore } from "../../src/media/disk-store.ts";
import type { SavedMedium } from "../../src/media/save-plan.ts";
import { Saving } from "../../src/media/saving.ts";
import { OWNER } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

/* The folders in which their user clicks on things. */

let root: string;
let desktop: string;
let kept: string;
let saving: Saving;

beforeEach(async () => {
  root = await tempDir();
  desktop = join(root, "home", "Desktop");
  kept = join(root, "kept");
  for (const path of [desktop, kept, join(root, "work"), join(root, "outside")]) {
    await mkdir(path, { recursive: true });
  }
  const places = {
    allowedDirs: [join(root, "work")],
    saveDirs: [desktop],
    workingDir: join(root, "work"),
    homeDir: join(root, "home"),
  };
  saving = new Saving(places, new DiskStore({ ...places, outputDir: kept, homeOwner: OWNER }));
});

async function medium(name: string, content: string | Buffer, mimeType: string) {
  await writeFile(join(kept, name), content);
  return { ref: join(kept, name), mimeType };
}

async function picture(): Promise<SavedMedium> {
  const create = { width: 8, height: 4, channels: 3, background: "red" } as const;
  return medium("cat.png", await sharp({ create }).png().toBuffer(), "image/png");
}

async function refused(saveTo: string, media: SavedMedium[], why = /./): Promise<void> {
  await expect(saving.save(saveTo, OWNER, media, {}), saveTo).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringMatching(why),
  });
  expect(await readdir(desktop, { recursive: true })).toEqual([]);
}

describe("into a folder of the user's own", () => {
  it("goes what is what it is called", async () => {
    const weights = Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from("{}")]);
    const zip = Buffer.concat([Buffer.from("504b0304", "hex"), Buffer.alloc(64)]);
    const media = [
      await picture(),
      await medium("lora.safetensors", weights, "application/octet-stream"),
      await medium("all.zip", zip, "application/zip"),
      await medium("settings.json", '{"steps": 1}', "application/json"),
      await medium("answer.md", "# Yes", "text/markdown"),
    ];
    const { files } = await saving.save(desktop, OWNER, media, {});
    expect(files.map(({ path }) => path)).toEqual(
      ["cat.png", "lora.safetensors", "all.zip", "settings.json", "answer.md"].map((name) =>
        join(desktop, name),
      ),
    );
    for (const { path } of files) expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it.each([
    ["a script that calls itself a picture", "cat.png", "#!/bin/sh\nrm -rf ~", "image/png"],
    ["a page that calls itself a picture", "cat.jpg", "<html><script>", "image/jpeg"],
    [
      "a program that calls itself weights",
      "lora.safetensors",
      "\u007fELF\0\0\0\0{",
      "application/octet-stream",
    ],
    ["a script that calls itself an archive", "all.zip", "#!/bin/sh", "application/zip"],
    ["what nobody knows", "data.bin", "\0\0\0", "application/octet-stream"],
    ["bytes that call themselves settings", "a.json", "MZ\0\0", "application/json"],
  ])("goes no %s, under no name", async (_what, name, content, mimeType) => {
    const one = await medium(name, content, mimeType);
    for (const saveTo of [desktop, join(desktop, "x.png"), join(desktop, "new/deep/")]) {
      await expect(saving.save(saveTo, OWNER, [one], {})).rejects.toMatchObject({
        code: "invalid_input",
      });
      await expect(saving.copyTo(saveTo, OWNER, [one.ref])).rejects.toMatchObject({
        code: "invalid_input",
      });
    }
    const left = await readdir(desktop, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
  });

  it("goes no answer that anything runs, though elsewhere it may be one", async () => {
    const answer = await medium("answer.md", "[Desktop Entry]\nExec=rm", "text/markdown");
    for (const ending of [
      "desktop",
      "html",
      "svg",
      "sh",
      "bat",
      "command",
      "url",
      "lnk",
      "py",
      "app",
      "terminal",
      "webloc",
      "scf",
      "inf",
    ]) {
      await refused(join(desktop, `a.${ending}`), [answer], /\.md, \.txt, \.json, \.csv/);
      await expect(saving.check(join(desktop, `a.${ending}`), "text", 1)).rejects.toMatchObject({
        code: "invalid_input",
      });
    }
    const { files } = await saving.save("script.py", OWNER, [answer], {});
    expect(files[0]?.path).toBe(join(root, "work", "script.py"));
    const script = await medium("kept.py", "print()", "text/plain");
    await refused(desktop, [script]);
    await refused(`${desktop}/`, [script, await picture()]);
  });

  it("goes nothing under a hidden name, a device's, or through a link", async () => {
    const cat = await picture();
    for (const name of [
      ".cat.png",
      ".config/cat.png",
      "con.png",
      "NUL.png",
      "lpt1.jpg",
      "aux/cat.png",
    ]) {
      await refused(join(desktop, name), [cat], /hidden|Windows reserves/);
    }
    await symlink(join(root, "outside"), join(desktop, "away"));
    await expect(saving.save(join(desktop, "away", "cat.png"), OWNER, [cat], {})).rejects.toThrow(
      /link/,
    );
    await symlink(join(root, "outside", "victim.png"), join(desktop, "cat.png"));
    const { files } = await saving.save(join(desktop, "cat.png"), OWNER, [cat], {});
    expect(files[0]?.path).toBe(join(desktop, "cat-2.png"));
    expect(await readdir(join(root, "outside"))).toEqual([]);
  });

  it("go all of several, or none", async () => {
    const broken = await medium("broken.png", "no picture", "image/png");
    await refused(desktop, [await picture(), broken]);
    const gone = { ref: join(kept, "gone.png"), mimeType: "image/png" };
    await expect(saving.save(desktop, OWNER, [await picture(), gone], {})).rejects.toThrow(
      /missing/,
    );
    expect(await readdir(desktop)).toEqual([]);
  });

  it("what breaks off half-way, or cannot be converted, leaves nothing", async () => {
    const cat = await picture();
    const breaking = {
      stat: async () => ({ name: "cat.png", sizeBytes: 8, modifiedAt: 0 }),
      open: async () =>
        Readable.from(
          (async function* () {
            yield Buffer.alloc(100_000);
            throw new Error("the disk is gone");
          })(),
        ),
    };
    const dirs = { allowedDirs: [], saveDirs: [desktop], workingDir: root, homeDir: root };
    const failing = new Saving(dirs, breaking);
    for (const wishes of [{}, { format: "webp" as const }]) {
      await expect(failing.save(desktop, OWNER, [cat, cat], wishes)).rejects.toMatchObject({
        code: "storage",
      });
      expect(await readdir(desktop)).toEqual([]);
    }
  });

  it("what a kill has left there goes with a save a day later, and nothing else does", async () => {
    const old = new Date(Date.now() - 3 * 86_400_000);
    const left = `.longcat-${"a".repeat(26)}.partial`;
    for (const name of [left, ".hidden", "old.png", ".longcat-x.partial.txt"]) {
      await writeFile(join(desktop, name), "");
      await utimes(join(desktop, name), old, old);
    }
    await writeFile(join(desktop, `.longcat-${"b".repeat(26)}.partial`), "");
    await saving.save(desktop, OWNER, [await picture()], {});
    expect((await readdir(desktop)).sort()).toEqual(
      [
        `.longcat-${"b".repeat(26)}.partial`,
        ".hidden",
        ".longcat-x.partial.txt",
        "cat.png",
        "old.png",
      ].sort(),
    );
  });

  it("a picture is converted by the ending of its name, whose case stays", async () => {
    const { files } = await saving.save(join(desktop, "Cat.JPEG"), OWNER, [await picture()], {});
    expect(files).toEqual([
      expect.objectContaining({ path: join(desktop, "Cat.JPEG"), format: "jpeg" }),
    ]);
    expect((await readFile(join(desktop, "Cat.JPEG"))).subarray(0, 2).toString("hex")).toBe("ffd8");
    const webp = { format: "webp" } as const;
    const named = await saving.save(join(desktop, "cat.png"), OWNER, [await picture()], webp);
    expect(named.files[0]?.path).toBe(join(desktop, "cat.webp"));
  });
});
