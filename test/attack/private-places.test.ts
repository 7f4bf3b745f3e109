import { mkdir, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { readSettings } from "../../src/settings/settings.ts";
import { tempDir } from "../support/temp-dir.ts";

let root: string;
let home: string;

beforeEach(async () => {
  root = await tempDir();
  home = join(root, "users", "somebody");
  await mkdir(join(home, "work"), { recursive: true });
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
    expect(allowedIn(join(home, "work"))).toEqual([join(root, "out"), join(home, "work")]);
  });

  it("written with a slash at its end, or with dots", () => {
    for (const path of [`${home}/`, `${home}/work/..`, `${home}/.`]) {
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
      expect(allowedIn(join(home, "work"), { LONGCAT_MCP_OUTPUT_DIR: path })).toEqual([
        join(home, "work"),
      ]);
    }
  });

  it("but what a user names is the user's choice", () => {
    expect(allowedIn("/", { LONGCAT_MCP_INPUT_DIRS: "~" })).toEqual([join(root, "out"), home]);
  });
});
