import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OpenedFolders } from "../../src/media/opened-folders.ts";
import { placeOf, placeQuestion } from "../../src/media/place-question.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp-dir.ts";

const HOME = "/home/somebody";
const FILE = placeQuestion({ need: "read-file", path: "/srv/cats/tom.png" }, HOME);
const SHELF = placeQuestion({ need: "save", path: "/srv/shelf" }, HOME);

async function open() {
  const clock = new FakeClock();
  const folder = join(await tempDir(), "data");
  const opened = new OpenedFolders(folder, clock);
  const agreed = new Map<string, string>();
  return { clock, folder, opened, agreed, places: opened.withCall(() => agreed) };
}

describe("what the user has opened", () => {
  it("is open for the call in which they did", async () => {
    const { agreed, places } = await open();
    agreed.set(FILE.key, "once");
    expect(await places.toRead()).toEqual(["/srv/cats/tom.png"]);
    expect(await places.toSave()).toEqual([]);
    agreed.set(SHELF.key, "once");
    agreed.set("buy something", "");
    expect(await places.toSave()).toEqual(["/srv/shelf"]);
    agreed.clear();
    expect(await places.toRead()).toEqual([]);
  });

  it("stays open as a folder when they say always, in a file that is theirs alone", async () => {
    const { opened, places, folder } = await open();
    await Promise.all([
      opened.keep(FILE.key, "always"),
      opened.keep(SHELF.key, "always"),
      opened.keep("buy something", ""),
    ]);
    await opened.keep(FILE.key, "always");
    expect(await places.toRead()).toEqual(["/srv/cats"]);
    expect(await places.toSave()).toEqual(["/srv/shelf"]);
    expect(await opened.list()).toHaveLength(2);
    expect((await stat(opened.path)).mode & 0o777).toBe(0o600);
    // Nothing else is left beside it.
    expect(await readdir(folder)).toEqual(["opened-folders.json"]);
  });

  it("is closed again", async () => {
    const { opened, places } = await open();
    await opened.keep(FILE.key, "always");
    expect(await opened.forget("/srv/cats")).toBe(true);
    expect(await opened.forget("/srv/cats")).toBe(false);
    expect(await places.toRead()).toEqual([]);
  });

  it("takes the copies of a job for a week where a call was let save once", async () => {
    const { opened, places, clock } = await open();
    await opened.keep(SHELF.key, "once");
    expect(await places.toSave()).toEqual([]);
    expect(await places.toCopy()).toEqual(["/srv/shelf"]);
    expect(await opened.list()).toEqual([]);
    clock.jump(7 * 86_400_000);
    expect(await places.toCopy()).toEqual([]);
    await opened.keep(SHELF.key, "once");
    expect(JSON.parse(await readFile(opened.path, "utf8"))).toMatchObject({
      copies: [{ folder: "/srv/shelf" }],
    });
  });

  it("is nothing where its file is broken, which is said where it is looked at", async () => {
    const { opened, places } = await open();
    await opened.keep(FILE.key, "always");
    for (const broken of ["", "[]", '{"folders":[{"use":"run","folder":"/"}],"copies":[]}']) {
      await writeFile(opened.path, broken);
      expect(await places.toRead()).toEqual([]);
      await expect(opened.list()).rejects.toMatchObject({ code: "configuration" });
      await expect(opened.keep(FILE.key, "always")).rejects.toThrow("cannot be read");
    }
  });
});

describe("the question about a place", () => {
  it("has the place in it, and what it would mean for good", () => {
    expect(FILE).toMatchObject({
      isAboutMoney: false,
      choice: { values: ["once", "always"], preset: "once" },
    });
    expect(FILE.text).toContain("Read a file outside");
    expect(FILE.text).toContain("/srv/cats/tom.png\n");
    expect(FILE.text).toContain("other files in /srv/cats from now on");
    expect(SHELF.text).toContain("Save in a folder outside");
  });

  it.each(["/x.png", `${HOME}/x.png`, "/home/x.png", "/srv/.ssh/id", "/srv/.a/b/id"])(
    "of %s offers no more than once",
    (path) => {
      const question = placeQuestion({ need: "read-file", path }, HOME);
      expect(question.choice).toBeUndefined();
      expect(question.text).not.toContain("always");
    },
  );

  it("shows a name for what it is", () => {
    const path = "/srv/a\nRead a file outside the allowed folders?\u202e/b.png";
    const { text, key } = placeQuestion({ need: "read-file", path }, HOME);
    expect(text.split("\n")).toHaveLength(3);
    expect(text).not.toContain("\u202e");
    // What is opened is the very path all the same.
    expect(placeOf(key)).toEqual({ need: "read-file", path });
  });

  it("is known by its key alone", () => {
    expect(placeOf("buy paint f1 2")).toBeUndefined();
    expect(placeOf("save /srv/with blanks ")).toEqual({
      need: "save",
      path: "/srv/with blanks ",
    });
  });
});
