import { mkdir, readdir, rename, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { DiskStore } from "../../src/media/disk-store.ts";
import { nameProblem, type ResultKind } from "../../src/media/file-names.ts";
import { holdFolder } from "../../src/media/held-folder.ts";
import { findSavePlace, type SavePlaces } from "../../src/media/save-place.ts";
import { Saving } from "../../src/media/saving.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { OWNER } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

let root: string;
let home: string;

beforeEach(async () => {
  root = await tempDir();
  home = join(root, "users", "somebody");
  await mkdir(join(home, "art"), { recursive: true });
});

function allowedIn(workingDir: string, env: Record<string, string> = {}): string[] {
  return readSettings({
    env: { HOME: home, LONGCAT_MCP_OUTPUT_DIR: join(root, "out"), ...env },
    flags: {},
    platform: "linux",
    workingDir,
    readFile: () => "",
  }).allowedDirs;
}

describe("a home folder, or what lies above one, is nothing that is read by default", () => {
  it("as working folder: it, all above it and the top of the disk", () => {
    for (const path of [home, dirname(home), root, dirname(root), "/"]) {
      expect(allowedIn(path), path).toEqual([join(root, "out")]);
    }
    expect(allowedIn(join(home, "art"))).toEqual([join(root, "out"), join(home, "art")]);
  });

  it("written with a slash at its end, or with dots", () => {
    for (const path of [`${home}/`, `${home}/art/..`, `${home}/.`]) {
      expect(allowedIn(path), path).toEqual([join(root, "out")]);
    }
    expect(allowedIn(home, { HOME: `${home}//` })).toEqual([join(root, "out")]);
  });

  it("reached through a link, whichever of the two is written so", async () => {
    const link = join(root, "link");
    await symlink(home, link);
    await symlink(dirname(home), join(root, "above"));
    expect(allowedIn(link)).toEqual([join(root, "out")]);
    expect(allowedIn(join(root, "above"))).toEqual([join(root, "out")]);
    for (const path of [home, dirname(home), root]) {
      expect(allowedIn(path, { HOME: link }), path).toEqual([join(root, "out")]);
    }
  });

  it("that is not there (yet) all the same", () => {
    const missing = join(root, "later", "somebody");
    for (const path of [missing, root]) {
      expect(allowedIn(path, { HOME: missing })).toEqual([join(root, "out")]);
    }
  });

  it("that the system knows, whatever HOME says", () => {
    expect(allowedIn(homedir(), { HOME: home })).not.toContain(homedir());
  });

  it("as output folder: results go there, and nothing else of it is handed out", () => {
    for (const path of [home, root, "/"]) {
      expect(allowedIn(join(home, "art"), { LONGCAT_MCP_OUTPUT_DIR: path })).toEqual([
        join(home, "art"),
      ]);
    }
  });

  it("but what a user names is the user's choice", () => {
    expect(allowedIn("/", { LONGCAT_MCP_INPUT_DIRS: "~" })).toEqual([join(root, "out"), home]);
  });
});

/** Copies of what lies where the program keeps it. */
function savingIn(places: SavePlaces): Saving {
  const outputDir = join(root, "out");
  return new Saving(places, new DiskStore({ ...places, outputDir, homeOwner: OWNER }));
}

describe("what is saved for a caller", () => {
  let allowed: string;
  let outside: string;
  let saving: Saving;
  let original: string;

  beforeEach(async () => {
    allowed = join(root, "allowed");
    outside = join(root, "outside");
    for (const path of [allowed, outside, join(root, "kept")]) await mkdir(path);
    original = join(root, "kept", "cat.png");
    await writeFile(original, "a picture");
    saving = savingIn({
      allowedDirs: [join(root, "out"), allowed],
      workingDir: allowed,
      homeDir: home,
    });
  });

  /** Refused before anything is bought, and again when it would be written. */
  async function refused(saveTo: string, why: RegExp): Promise<void> {
    const refusal = { code: "invalid_input", message: expect.stringMatching(why) };
    await expect(saving.check(saveTo, "images", 1), saveTo).rejects.toMatchObject(refusal);
    await expect(saving.copyTo(saveTo, OWNER, [original]), saveTo).rejects.toMatchObject(refusal);
    expect(await readdir(outside)).toEqual([]);
  }

  it("goes into no hidden folder or file, there or not", async () => {
    await mkdir(join(allowed, ".vscode"));
    for (const saveTo of [
      ".vscode/tasks.json",
      ".vscode",
      ".mcp.json",
      "./.git/hooks/",
      join(allowed, "sub", ".hidden", "cat.png"),
      "sub/.cat.png",
      ".png",
      "..cats/cat.png",
      "\u200c.git/cat.png",
      `file://${allowed}/%2egithub/cat.png`,
    ]) {
      await refused(saveTo, /is hidden/);
    }
    expect(await readdir(allowed)).toEqual([".vscode"]);
    expect(await readdir(join(allowed, ".vscode"))).toEqual([]);
  });

  it("is saved below a hidden folder that is allowed itself", async () => {
    const hidden = join(root, ".own", "pictures");
    saving = savingIn({
      allowedDirs: [hidden],
      workingDir: allowed,
      homeDir: home,
    });
    await saving.check(hidden, "images", 1);
    expect(await saving.copyTo(hidden, OWNER, [original])).toEqual([join(hidden, "cat.png")]);
  });

  it("goes through no link below the allowed folder, wherever it leads", async () => {
    await mkdir(join(allowed, "real", "deep"), { recursive: true });
    await symlink(outside, join(allowed, "away"));
    await symlink("real", join(allowed, "inside"));
    await symlink(join(root, "out"), join(allowed, "out"));
    await symlink(allowed, join(allowed, "circle"));
    await symlink("/nowhere", join(allowed, "dangling"));
    for (const saveTo of [
      "away",
      "away/cat.png",
      "away/new/deep/",
      "inside/cat.png",
      "inside/deep/cat.png",
      "out/cat.png",
      "circle/cat.png",
      "circle/real/",
      "dangling/cat.png",
    ]) {
      await refused(saveTo, /is a link/);
    }
    expect(await readdir(join(allowed, "real", "deep"))).toEqual([]);
  });

  it("takes no file's place that is a link: the next number is used", async () => {
    await symlink(join(outside, "victim.png"), join(allowed, "cat.png"));
    expect(await saving.copyTo("cat.png", OWNER, [original])).toEqual([join(allowed, "cat-2.png")]);
    expect(await readdir(outside)).toEqual([]);
  });

  it("has no name that could deceive", async () => {
    for (const saveTo of [
      "cat\u202Egnp.png",
      "cat\u0007.png",
      "new\nline/cat.png",
      "cat\u2028.png",
      "zero\u200Bwidth/",
      "tag\u{E0041}.png",
      "half\uD800.png",
    ]) {
      await refused(saveTo, /control or invisible characters/);
    }
    await refused("sub\\cat.png", /backslash/);
    await refused("cat\0.png", /NUL/);
  });

  it("has no name that means something else to Windows, where Windows sees it", () => {
    const told = (name: string) => nameProblem(name, true);
    for (const name of ["con", "CON.png", "nul .txt", "com1", "LPT9.png", "COM¹", "CONOUT$"]) {
      expect(told(name), name).toMatch(/reserves/);
    }
    for (const name of ["a.png:stream", "a:b", "a?", "a*", "a|b", 'a"b', "<a>"]) {
      expect(told(name), name).toMatch(/forbids/);
    }
    for (const name of ["a.", "a ", "a.png."]) expect(told(name), name).toMatch(/drops/);
    for (const name of ["VSCODE~1", "git~2"]) expect(told(name), name).toMatch(/short/);
    for (const name of ["console.png", "common", "nullable", "水墨画 1.png", "家族👨‍👩‍👧.png"]) {
      expect(told(name), name).toBeUndefined();
      expect(nameProblem(name, false), name).toBeUndefined();
    }
  });

  it("is refused for what can be known before buying", async () => {
    await writeFile(join(allowed, "file"), "");
    await mkdir(join(allowed, "folder.png"));
    await refused("file", /is a file, not a folder/);
    await refused("file/", /is a file, not a folder/);
    await refused("file/new/cat.png", /is a file, not a folder/);
    await refused(`${"x".repeat(252)}.png`, /256 bytes; 255 are possible/);
    await refused(`${"猫".repeat(84)}.png`, /256 bytes/);
    await refused(`${"deep/".repeat(780)}${"x".repeat(100)}/`, /more than the 4095 bytes/);
    await refused("deep/".repeat(900), /more than (?:the )?4095 bytes/);
    for (const saveTo of ["https://example.com/cat.png", "s3://bucket/", "longcat://media/x/1"]) {
      await refused(saveTo, /is no path/);
    }
    await refused("file://elsewhere/cat.png", /no file of this machine/);
    await refused("C:\\Users\\me\\cat.png", /Windows path/);
    await refused("/mnt/user-data/outputs/cat.png", /place of the chat application/);
    expect((await readdir(allowed)).sort()).toEqual(["file", "folder.png"]);
    // A folder stands where the file would: it is meant.
    expect(await saving.copyTo("folder.png", OWNER, [original])).toEqual([
      join(allowed, "folder.png", "cat.png"),
    ]);
  });

  it("has an ending that such a result can have", async () => {
    const check = (kind: ResultKind, saveTo: string) => saving.check(saveTo, kind, 1);
    const refusal = { code: "invalid_input", message: expect.stringMatching(/no result/) };
    for (const [kind, name] of [
      ["images", "cat.txt"],
      ["images", "cat.exe"],
      ["images", "release.1"],
      ["images", "cat."],
      ["weights", "lora.png"],
      ["text", "answer.png"],
      ["text", "answer.safetensors"],
    ] as const) {
      await expect(check(kind, name), name).rejects.toMatchObject(refusal);
    }
    for (const [kind, name] of [
      ["images", "cat.JPG"],
      ["images", "release.1/"],
      ["layers", "cat.png"],
      ["text", "answer.py"],
      ["text", "answer.json"],
    ] as const) {
      await check(kind, name);
    }
  });

  it("has a number where its name is taken, however long the name is", async () => {
    const name = `${"水".repeat(83)}x.png`;
    expect(Buffer.byteLength(name)).toBe(254);
    const paths = [];
    for (let i = 0; i < 11; i++) paths.push(...(await saving.copyTo(name, OWNER, [original])));
    expect(new Set(paths).size).toBe(11);
    expect(paths.map((path) => basename(path).slice(-8))).toContain("水水-2.png");
    expect(await readdir(allowed)).toHaveLength(11);
  });

  it("is written like a path that is read: from home, by file URL", async () => {
    await mkdir(join(home, "art", "a b"));
    saving = savingIn({
      allowedDirs: [join(home, "art")],
      workingDir: join(home, "art"),
      homeDir: home,
    });
    for (const [saveTo, expected] of [
      ["~/art/1.png", "1.png"],
      ["$HOME/art/2.png", "2.png"],
      [`file://${home}/art/a%20b/3.png`, "a b/3.png"],
      [`file://localhost${home}/art/a%20b/`, "a b/cat.png"],
      ["水墨画/Zürich.png", "水墨画/Zürich.png"],
    ] as const) {
      await saving.check(saveTo, "images", 1);
      expect(await saving.copyTo(saveTo, OWNER, [original])).toEqual([join(home, "art", expected)]);
    }
  });

  describe("when a folder on the way is exchanged for a link", () => {
    const places = () => ({ allowedDirs: [allowed], workingDir: allowed, homeDir: home });

    beforeEach(async () => {
      for (const folder of [allowed, outside])
        await mkdir(join(folder, "way", "sub"), { recursive: true });
    });

    async function exchange(name: string): Promise<void> {
      await rename(join(allowed, name), join(allowed, "kept"));
      await symlink(join(outside, "way"), join(allowed, name));
    }

    it("after it was looked at, nothing is opened behind the link", async () => {
      const place = await findSavePlace("way/sub/cat.png", places());
      await exchange("way");
      await expect(holdFolder(place)).rejects.toMatchObject({ code: "invalid_input" });
      expect(await readdir(join(outside, "way", "sub"))).toEqual([]);
    });

    it("after it was opened, what is written goes where it was, and that is no success", async () => {
      const held = await holdFolder(await findSavePlace("way/sub/cat.png", places()));
      await held.confirm();
      await exchange("way");
      await writeFile(held.at("cat.png"), "a picture");
      await expect(held.confirm()).rejects.toMatchObject({ code: "storage" });
      await held.close();
      expect(await readdir(join(outside, "way", "sub"))).toEqual([]);
      expect(await readdir(join(allowed, "kept", "sub"))).toEqual(["cat.png"]);
    });
  });
});
