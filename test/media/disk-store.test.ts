import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { DiskStore } from "../../src/media/disk-store.ts";
import type { MediaNaming } from "../../src/media/media-store.ts";
import { Saving } from "../../src/media/saving.ts";
import { describeMediaStore } from "../contracts/media-store.ts";
import { anyText } from "../support/any-text.ts";
import { OWNER } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

let folder: string;
let output: string;
let allowed: string;
let store: DiskStore;
let saving: Saving;

beforeEach(async () => {
  folder = await tempDir();
  output = join(folder, "output");
  allowed = join(folder, "allowed");
  await mkdir(allowed);
  store = openStore();
  saving = new Saving(places(), store);
});

const places = () => ({
  allowedDirs: [output, allowed, join(folder, "home")],
  workingDir: allowed,
  homeDir: join(folder, "home"),
});

/** As every process has one of its own. */
function openStore(): DiskStore {
  return new DiskStore({ ...places(), outputDir: output, homeOwner: OWNER });
}

const naming = (change: Partial<MediaNaming> = {}): MediaNaming => ({
  owner: OWNER,
  operation: "z_image_turbo_generate",
  words: "A red fox, in the snow",
  jobId: "job_abcdefghijklmnopqrstuvwxyz",
  index: 1,
  extension: "png",
  createdAt: Date.parse("2026-11-20T23:59:59Z"),
  ...change,
});

/** A draft that can be written. */
async function draft(named: MediaNaming, from = store): Promise<string> {
  const path = from.newDraft(named);
  await from.prepareDraft(path);
  return path;
}

/** A finished download of this content, kept. */
async function keep(content: string, change: Partial<MediaNaming> = {}): Promise<string> {
  const partial = await draft(naming(change));
  await writeFile(partial, content);
  return store.keep(partial, naming(change));
}

const NAME = "z-image-turbo-generate-a-red-fox-in-the-snow-uvwxyz-1";

describe("a finished file", () => {
  it("is named after the day, the operation, the prompt, the job and its number", async () => {
    expect(await keep("x")).toBe(join(output, "2026-11-20", `${NAME}.png`));
  });

  it("leaves the words out where there are none", async () => {
    expect(await keep("x", { words: "🦁" })).toBe(
      join(output, "2026-11-20", "z-image-turbo-generate-uvwxyz-1.png"),
    );
  });

  it("lies inside the output folder whatever the prompt is", async () => {
    await fc.assert(
      fc.asyncProperty(anyText({ maxLength: 80 }), async (words) => {
        const path = await keep("x", { words });
        expect(path.startsWith(output + sep)).toBe(true);
        expect((await stat(path)).isFile()).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it("never replaces one that is there: the next free number is taken", async () => {
    const paths = [await keep("first"), await keep("second"), await keep("third")];
    expect(paths.map((path) => path.slice(output.length + 12))).toEqual([
      `${NAME}.png`,
      `${NAME}-2.png`,
      `${NAME}-3.png`,
    ]);
    for (const [position, content] of ["first", "second", "third"].entries()) {
      expect(await readFile(paths[position] ?? "", "utf8")).toBe(content);
    }
  });

  it("goes through no link that has its name", async () => {
    const victim = join(folder, "victim");
    await mkdir(join(output, "2026-11-20"), { recursive: true });
    await symlink(victim, join(output, "2026-11-20", `${NAME}.png`));
    expect(await keep("x")).toContain(`${NAME}-2.png`);
    await expect(stat(victim)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("is moved, not copied: nothing unfinished stays behind", async () => {
    const path = await keep("x");
    expect(await readdir(join(output, "2026-11-20"))).toEqual([path.split(sep).at(-1)]);
  });

  it("of two downloads of a name at once stay two", async () => {
    const partials = await Promise.all(
      [1, 2, 3].map(async (index) => {
        const partial = await draft(naming({ index }));
        await writeFile(partial, String(index));
        return partial;
      }),
    );
    const paths = await Promise.all(partials.map((partial) => store.keep(partial, naming())));
    expect(new Set(paths).size).toBe(3);
    const contents = await Promise.all(paths.map((path) => readFile(path, "utf8")));
    expect(contents.sort()).toEqual(["1", "2", "3"]);
  });

  it("in progress is hidden, in the folder where it will end", async () => {
    const partial = await draft(naming());
    expect(partial).toMatch(/[/\\]2026-11-20[/\\]\.[^/\\]+\.partial$/);
  });

  it("in progress is nobody else's: not another process's, nor another try's", async () => {
    const other = openStore();
    const partials = [store, store, other].map((one) => one.newDraft(naming()));
    expect(new Set(partials).size).toBe(3);
  });

  it("in progress elsewhere is cleared away with its note, and nothing else is", async () => {
    const other = openStore();
    const left = await draft(naming(), other);
    await writeFile(left, "left");
    await writeFile(`${left}.json`, "{}");
    const kept = [
      await draft(naming()),
      await draft(naming({ jobId: "job_another" }), other),
      join(output, "2026-11-20", "mine.partial"),
    ];
    for (const path of kept) await writeFile(path, "kept");
    kept.push(await keep("whole", { index: 2 }));
    await store.clearDrafts(naming());
    const names = await readdir(join(output, "2026-11-20"));
    expect(names.sort()).toEqual(kept.map((path) => basename(path)).sort());
    await expect(other.keep(left, naming())).rejects.toMatchObject({ code: "storage" });
    expect((await readdir(join(output, "2026-11-20"))).sort()).toEqual(names.sort());
  });

  it("that the disk refuses is a matter of storage", async () => {
    const partial = await draft(naming());
    await expect(store.keep(partial, naming())).rejects.toMatchObject({ code: "storage" });
    await rm(output, { recursive: true });
    await writeFile(output, "");
    await expect(draft(naming())).rejects.toMatchObject({ code: "storage" });
  });
});

describe("save_to", () => {
  /** Copies one finished file, or several, and tells where to, below the test's folder. */
  async function copies(saveTo: string, count = 1): Promise<string[]> {
    const originals: string[] = [];
    for (let i = 1; i <= count; i++) originals.push(await keep(`picture ${i}`, { index: i }));
    const paths = await saving.copyTo(saveTo, OWNER, originals);
    for (const [position, path] of paths.entries()) {
      expect(await readFile(path, "utf8")).toBe(`picture ${position + 1}`);
    }
    return paths.map((path) => path.slice(folder.length + 1).replaceAll(sep, "/"));
  }

  it("may be a folder, there or not", async () => {
    await mkdir(join(allowed, "cats"));
    expect(await copies(join(allowed, "cats"))).toEqual([`allowed/cats/${NAME}.png`]);
    expect(await copies(join(allowed, "new", "deep"))).toEqual([
      expect.stringMatching(/^allowed\/new\/deep\/z-image-turbo/),
    ]);
    expect(await copies(join(allowed, "with.dot/"))).toEqual([
      expect.stringMatching(/^allowed\/with\.dot\/z-image-turbo/),
    ]);
  });

  it("may be a file", async () => {
    expect(await copies(join(allowed, "cat.png"))).toEqual(["allowed/cat.png"]);
  });

  it("gives a file the ending of what it is", async () => {
    expect(await copies(join(allowed, "cat.jpg"))).toEqual(["allowed/cat.png"]);
    expect(await copies(join(allowed, "dog.weird"))).toEqual(["allowed/dog.png"]);
  });

  it("may be relative to the working folder, or to the home folder", async () => {
    await mkdir(join(folder, "home"));
    expect(await copies("cats/one.png")).toEqual(["allowed/cats/one.png"]);
    expect(await copies("~/one.png")).toEqual(["home/one.png"]);
    expect(await copies("~")).toEqual([expect.stringMatching(/^home\/z-image-turbo/)]);
    expect(await copies("~other/one.png")).toEqual(["allowed/~other/one.png"]);
  });

  it("numbers several files", async () => {
    expect(await copies(join(allowed, "cat.png"), 3)).toEqual([
      "allowed/cat-1.png",
      "allowed/cat-2.png",
      "allowed/cat-3.png",
    ]);
  });

  it("replaces nothing", async () => {
    await writeFile(join(allowed, "cat.png"), "mine");
    expect(await copies(join(allowed, "cat.png"))).toEqual(["allowed/cat-2.png"]);
    expect(await readFile(join(allowed, "cat.png"), "utf8")).toBe("mine");
  });

  it.each([
    "/etc/cat.png",
    "../cat.png",
    "../allowed-not/cat.png",
    "cats/../../cat.png",
    "~/../x.png",
  ])("outside the allowed folders, %s, is refused before anything is bought", async (saveTo) => {
    await mkdir(join(folder, "allowed-not"));
    await expect(saving.check(saveTo, "images", 1)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("outside the allowed folders"),
      next: expect.stringContaining(allowed),
    });
    await expect(saving.copyTo(saveTo, OWNER, [await keep("x")])).rejects.toMatchObject({
      code: "invalid_input",
    });
  });

  it("through a link that leads out is refused", async () => {
    const outside = join(folder, "outside");
    await mkdir(outside);
    await symlink(outside, join(allowed, "link"));
    for (const saveTo of ["link", "link/cat.png", "link/new/deep/cat.png"]) {
      await expect(saving.check(saveTo, "images", 1)).rejects.toMatchObject({
        code: "invalid_input",
      });
      await expect(saving.copyTo(saveTo, OWNER, [await keep("x")])).rejects.toThrow();
    }
    expect(await readdir(outside)).toEqual([]);
  });

  it("through a link that stays inside is refused as well; the allowed folder may be one", async () => {
    await mkdir(join(allowed, "real"));
    await symlink(join(allowed, "real"), join(allowed, "link"));
    await expect(copies(join(allowed, "link", "cat.png"))).rejects.toThrow("is a link");
    await symlink(allowed, join(folder, "short"));
    expect(await copies(join(folder, "short", "cat.png"))).toEqual(["allowed/cat.png"]);
  });

  it("through a link to nowhere writes nothing outside", async () => {
    const outside = join(folder, "outside");
    await symlink(outside, join(allowed, "dangling"));
    await symlink(join(folder, "outside.png"), join(allowed, "cat.png"));
    await saving.copyTo("dangling/cat.png", OWNER, [await keep("x")]).catch(() => undefined);
    await saving.copyTo("cat.png", OWNER, [await keep("x")]).catch(() => undefined);
    expect((await readdir(folder)).sort()).toEqual(["allowed", "output"]);
  });

  it("below something that is no folder is refused before anything is bought", async () => {
    await writeFile(join(allowed, "file"), "");
    await expect(saving.check(join(allowed, "file", "cat.png"), "images", 1)).rejects.toMatchObject(
      { code: "invalid_input" },
    );
  });
});

describe("room for results", () => {
  it("is made where the output folder is missing", async () => {
    await store.checkRoom(OWNER, "images", 1);
    await expect(stat(output)).rejects.toMatchObject({ code: "ENOENT" });
    await store.makeRoom(OWNER);
    expect((await stat(output)).isDirectory()).toBe(true);
  });

  it("is missing where the output folder cannot be", async () => {
    await writeFile(output, "in the way");
    for (const refused of [
      () => store.checkRoom(OWNER, "images", 1),
      () => store.makeRoom(OWNER),
    ]) {
      await expect(refused()).rejects.toMatchObject({
        code: "storage",
        message: expect.stringContaining(output),
        next: expect.stringContaining("nothing was bought"),
      });
    }
  });

  it("is missing where the disk has less than the pictures may need", async () => {
    await expect(store.checkRoom(OWNER, "images", 1e12)).rejects.toMatchObject({
      code: "storage",
      message: expect.stringMatching(/ has [\d,]+ bytes free, less than the [\d,]+ bytes that/),
    });
  });
});

describeMediaStore(
  "a disk",
  async () => ({ open: openStore, place: folder }),
  join(import.meta.dirname, "media-opener.ts"),
);

it("another owner's files lie in a folder of that owner's", async () => {
  expect(await keep("x", { owner: "ada" })).toBe(
    join(output, "users", "ada", "2026-11-20", `${NAME}.png`),
  );
});
