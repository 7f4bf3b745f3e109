import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findFiles } from "../../src/chat/find-files.ts";
import { openDataset } from "../../src/inputs/open-dataset.ts";
import { openAllowedFile, type Places } from "../../src/media/allowed-files.ts";
import { ownersFolders } from "../../src/media/owner-folder.ts";
import { findSavePlace } from "../../src/media/save-place.ts";

const OWNER = "users/q7xk2/2026-11-29";

let root: string;
let out: string;
let places: Places;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "longcat-mcp-test-")));
  out = join(root, "out");
  for (const folder of [OWNER, `sandbox/${OWNER}`, "2026-11-29", "mine/users/q7xk2"]) {
    await mkdir(join(out, folder), { recursive: true });
    await writeFile(join(out, folder, "a.txt"), "words");
  }
  await symlink(join(out, "users"), join(out, "away"));
  places = {
    allowedDirs: [out],
    workingDir: root,
    homeDir: root,
    closedDirs: ownersFolders(out),
  };
});

afterEach(() => rm(root, { recursive: true, force: true }));

/** Every way in which a path can lead to what is another owner's. */
const WAYS = [
  `out/${OWNER}/a.txt`,
  `out/sandbox/${OWNER}/a.txt`,
  "out/users/../users/q7xk2/2026-11-29/a.txt",
  "out/away/q7xk2/2026-11-29/a.txt",
  `out//./${OWNER}//a.txt`,
];

describe("files of other owners below the output folder, to whoever names paths", () => {
  it.each(WAYS)("%s cannot be read, as what is outside cannot", async (path) => {
    await expect(openAllowedFile(path, places)).rejects.toThrow(/outside the allowed folders/);
    await expect(openAllowedFile(`${path}x`, places)).rejects.toThrow(/outside the allowed/);
  });

  it("are no training set", async () => {
    for (const path of [`out/${OWNER}`, "out/users", "out/away/q7xk2/2026-11-29"]) {
      const wishes = { defaultCaption: undefined, referenceCount: undefined };
      await expect(openDataset(path, places, wishes)).rejects.toThrow(/outside the allowed/);
    }
  });

  it("are nothing that a folder or a pattern names", async () => {
    const found = await findFiles(["out"], places);
    const names = found.map(({ path }) => path.slice(out.length + 1)).sort();
    expect(names).toEqual(["2026-11-29/a.txt", "mine/users/q7xk2/a.txt"]);
    await expect(findFiles(["out/users/**"], places)).rejects.toThrow(/outside the allowed/);
    const everywhere = await findFiles(["out/**/*.txt"], places);
    expect(everywhere.map(({ path }) => path).sort()).toEqual(found.map(({ path }) => path).sort());
  });

  it.each([...WAYS, "out/users/", "out/users/new/", "out/sandbox/users/x.png"])(
    "%s is no place to save",
    async (path) => {
      await expect(findSavePlace(path, places)).rejects.toThrow(/outside the allowed folders|link/);
    },
  );

  it("a folder of the user's own with such a name is no such place", async () => {
    const { handle } = await openAllowedFile("out/mine/users/q7xk2/a.txt", places);
    await handle.close();
    expect((await findSavePlace("out/mine/users/b.png", places)).stem).toBe("b");
  });
});
