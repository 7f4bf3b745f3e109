import { expect, it } from "vitest";
import { readSettings } from "../../src/settings/settings.ts";
import { userFolders } from "../../src/settings/user-folders.ts";

const HOME = "/home/a";

function linux(dirs?: string, env: Record<string, string> = {}) {
  const readFile = (path: string) => {
    if (dirs === undefined || path !== "/home/a/.config/user-dirs.dirs") throw new Error("none");
    return dirs;
  };
  return userFolders({ platform: "linux", env, readFile }, HOME);
}

it("the user's folders are those that the platform names", () => {
  expect(linux()).toEqual(["/home/a/Desktop", "/home/a/Downloads", "/home/a/Pictures"]);
  const named = `# a comment
XDG_DESKTOP_DIR="$HOME/Schreib\\"tisch"
  XDG_DOWNLOAD_DIR = "/data/loads"
XDG_PICTURES_DIR="relative"
XDG_MUSIC_DIR="$HOME/Music"
#XDG_DESKTOP_DIR="$HOME/Other"
`;
  expect(linux(named)).toEqual(['/home/a/Schreib"tisch', "/data/loads", "/home/a/Pictures"]);
  expect(linux(named, { XDG_CONFIG_HOME: "/elsewhere" })[0]).toBe("/home/a/Desktop");
});

it("on macOS those of the home folder; on Windows those of the profile and its cloud", () => {
  const readFile = () => "";
  expect(userFolders({ platform: "darwin", env: {}, readFile }, "/Users/a")).toEqual([
    "/Users/a/Desktop",
    "/Users/a/Downloads",
    "/Users/a/Pictures",
  ]);
  const env = { USERPROFILE: "/c/a", OneDrive: "/c/a/OneDrive" };
  const folders = userFolders({ platform: "win32", env, readFile }, "/home/b");
  expect(folders).toContain("/c/a/Desktop");
  expect(folders.indexOf("/c/a/OneDrive/Desktop")).toBe(0);
});

function saveDirs(env: Record<string, string>, there: readonly string[], dirs = ""): string[] {
  return readSettings({
    env: { HOME, ...env },
    flags: {},
    platform: "linux",
    workingDir: "/anywhere",
    readFile: () => dirs,
    isFolder: (path) => there.includes(path),
  }).saveDirs;
}

it("only those that are there count, and none that is the home folder or above it", () => {
  expect(saveDirs({}, ["/home/a/Desktop"])).toEqual(["/home/a/Desktop"]);
  const all = 'XDG_DESKTOP_DIR="$HOME/"\nXDG_DOWNLOAD_DIR="/home"\nXDG_PICTURES_DIR="/"';
  expect(saveDirs({}, ["/home/a/", "/home/a", "/home", "/"], all)).toEqual([]);
});

it("a setting stands in their place", () => {
  const there = ["/home/a/Desktop"];
  expect(saveDirs({ LONGCAT_MCP_SAVE_DIRS: "~/art:/srv/x" }, there)).toEqual([
    "/home/a/art",
    "/srv/x",
  ]);
  for (const none of ["none", "None", " none "]) {
    expect(saveDirs({ LONGCAT_MCP_SAVE_DIRS: none }, there)).toEqual([]);
  }
  expect(() => saveDirs({ LONGCAT_MCP_SAVE_DIRS: "none:/srv" }, there)).toThrow(/one or the other/);
});
