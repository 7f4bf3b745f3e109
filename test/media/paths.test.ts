import { sep } from "node:path";
import { describe, expect, it } from "vitest";
import {
  absolutePath,
  isInside,
  isUpload,
  pathUnderWsl,
  shownFolders,
} from "../../src/media/paths.ts";

const PLACE = { workingDir: "/anywhere/project", homeDir: "/home/anna" };

function refusal(path: string) {
  try {
    absolutePath(path, PLACE);
  } catch (error) {
    return error;
  }
  return expect.fail(`${path} was taken`);
}

describe.runIf(sep === "/")("what a caller's path means", () => {
  it.each([
    ["a.png", "/anywhere/project/a.png"],
    ["./a.png", "/anywhere/project/a.png"],
    ["../a.png", "/anywhere/a.png"],
    ["/a/../b.png", "/b.png"],
    ["~", "/home/anna"],
    ["~/a.png", "/home/anna/a.png"],
    ["$HOME/a.png", "/home/anna/a.png"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as somebody writes it
    ["${HOME}/a.png", "/home/anna/a.png"],
    ["%USERPROFILE%/a.png", "/home/anna/a.png"],
    ["~other/a.png", "/anywhere/project/~other/a.png"],
    ["$HOMES/a.png", "/anywhere/project/$HOMES/a.png"],
    ["a~/b", "/anywhere/project/a~/b"],
    ["file:///a/b.png", "/a/b.png"],
    ["file:///a/b%20c.png", "/a/b c.png"],
    ["file:///a/b#1?.png", "/a/b#1?.png"],
    ["FILE:///a/b.png", "/a/b.png"],
    ["file://localhost/a/b.png", "/a/b.png"],
    ["sandbox:/mnt/data/a.png", "/mnt/data/a.png"],
    ["a:b.png", "/anywhere/project/a:b.png"],
    ["日本.png", "/anywhere/project/日本.png"],
  ])("%s is %s", (path, absolute) => {
    expect(absolutePath(path, PLACE)).toBe(absolute);
  });

  it("in a home folder with signs of its own is that folder", () => {
    const homeDir = "/home/$&anna$1";
    expect(absolutePath("~/a", { ...PLACE, homeDir })).toBe(`${homeDir}/a`);
  });

  it.each([
    ["https://a.example/x.png", "`https://` cannot be used here"],
    ["s3://bucket/x.png", "`s3://` cannot be used here"],
    ["data:image/png;base64,AAAA", "`data:` cannot be used here"],
    ["blob:abc", "`blob:` cannot be used here"],
    ["sandbox:a.png", "`sandbox:` cannot be used here"],
    ["file://server/share/x.png", "names no file of this machine"],
    ["file:///a%2Fb.png", "names no file of this machine"],
    ["a\0b", "NUL"],
    [`/${"x".repeat(4_095)}`, "more than 4095 bytes"],
    [`/${"ü".repeat(2_048)}`, "more than 4095 bytes"],
    ["C:\\Users\\anna\\a.png", "is a Windows path"],
    ["c:/Users/anna/a.png", "is a Windows path"],
    ["\\\\server\\share\\a.png", "is a Windows path"],
  ])("%s is refused", (path, why) => {
    expect(refusal(path)).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining(why),
    });
  });

  it("shows of a long path its beginning only", () => {
    expect(String(refusal("x".repeat(50_000))).length).toBeLessThan(300);
  });
});

describe("a Windows path inside WSL", () => {
  it.each([
    ["C:\\Users\\anna\\a.png", "/mnt/c/Users/anna/a.png"],
    ["d:/x/y", "/mnt/d/x/y"],
    ["E:\\", "/mnt/e/"],
    ["\\\\wsl$\\Ubuntu\\home\\anna\\a.png", "/home/anna/a.png"],
    ["\\\\wsl.localhost\\Debian\\tmp", "/tmp"],
    ["\\\\server\\share\\a", undefined],
    ["/home/anna", undefined],
    ["CD:\\x", undefined],
  ])("%s is %s", (path, here) => {
    expect(pathUnderWsl(path)).toBe(here);
  });
});

describe("an upload of a chat application", () => {
  it.each(["/mnt/user-data/uploads/a.png", "/mnt/data/a.png", "/mnt/data"])("is %s", (path) => {
    expect(isUpload(path)).toBe(true);
  });

  it.each(["/mnt/database/a.png", "/home/mnt/data/a.png", "mnt/data/a.png", "/mnt/c/a.png"])(
    "is not %s",
    (path) => {
      expect(isUpload(path)).toBe(false);
    },
  );
});

describe.runIf(sep === "/")("whether a path lies in a folder", () => {
  it.each([
    ["/a", "/a", true],
    ["/a", "/a/b", true],
    ["/a", "/a/b/../c", true],
    ["/a", "/a/..b", true],
    ["/", "/a", true],
    ["/a", "/ab", false],
    ["/a", "/", false],
    ["/a/b", "/a", false],
    ["/a/b", "/a/c", false],
  ])("%s has %s: %s", (folder, path, isIn) => {
    expect(isInside(folder, path)).toBe(isIn);
  });
});

describe("folders in an error", () => {
  it.each([
    [[], ""],
    [["/a"], "/a"],
    [["/a", "/b"], "/a or /b"],
    [["/a", "/b", "/c", "/d", "/e", "/f", "/g"], "/a or /b or /c or /d or /e (and 2 more)"],
    [["/a\nb"], "/a b"],
  ])("%j are named as %j", (folders, shown) => {
    expect(shownFolders(folders)).toBe(shown);
  });
});
