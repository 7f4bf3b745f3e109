import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { openAllowedFile, type Places } from "../../src/media/allowed-files.ts";
import { pathUnderWsl } from "../../src/media/paths.ts";

/** How often a path is read while it is attacked; `RACE_ROUNDS=10000` for the long run. */
const RACE_ROUNDS = Number(process.env["RACE_ROUNDS"] ?? 500);
/** How often the attack must have been seen from both sides, so that it was one. */
const RACE_SEEN = 10;

let root: string;
let places: Places;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "longcat-files-")));
  await mkdir(join(root, "allowed", "sub"), { recursive: true });
  await mkdir(join(root, "outside"));
  await mkdir(join(root, "home"));
  await writeFile(join(root, "allowed", "a.txt"), "fine");
  await writeFile(join(root, "allowed", "sub", "secret.txt"), "fine");
  await writeFile(join(root, "outside", "secret.txt"), "secret");
  places = {
    allowedDirs: [join(root, "allowed"), join(root, "home", "pictures")],
    workingDir: join(root, "allowed"),
    homeDir: join(root, "home"),
  };
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function read(path: string): Promise<string> {
  const { handle } = await openAllowedFile(path, places);
  try {
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

async function refused(path: string): Promise<AppError> {
  const thrown: unknown = await read(path).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(AppError);
  if (!(thrown instanceof AppError)) return expect.fail(`${path} was read: ${String(thrown)}`);
  expect(thrown.code).toBe("invalid_input");
  return thrown;
}

const refusal = async (path: string) => (await refused(path)).message;

describe("a file inside an allowed folder is opened", () => {
  it("by absolute path, relative path, file URL and through links", async () => {
    await symlink(join(root, "allowed", "a.txt"), join(root, "outside", "link"));
    const absolute = join(root, "allowed", "a.txt");
    await writeFile(join(root, "allowed", "#1 ü?.txt"), "fine");
    for (const path of [
      `file://${root}/allowed/#1 ü?.txt`,
      pathToFileURL(join(root, "allowed", "#1 ü?.txt")).href,
      `file://localhost${absolute}`,
      absolute,
      "a.txt",
      "./sub/../a.txt",
      pathToFileURL(absolute).href,
      join(root, "outside", "link"),
    ]) {
      expect(await read(path)).toBe("fine");
    }
    const { handle, size, realPath } = await openAllowedFile("a.txt", places);
    await handle.close();
    expect({ size, realPath }).toEqual({ size: 4, realPath: absolute });
  });

  it("below the home folder by ~, where that is allowed", async () => {
    await mkdir(join(root, "home", "pictures"));
    await writeFile(join(root, "home", "pictures", "..cat é $&.png"), "cat");
    for (const home of ["~", "$HOME"]) {
      expect(await read(`${home}/pictures/..cat é $&.png`)).toBe("cat");
    }
  });
});

describe("what is not a file inside an allowed folder is refused", () => {
  it("outside, by path, traversal and link; whether it exists is not told", async () => {
    await symlink(join(root, "outside"), join(root, "allowed", "way"));
    await symlink(join(root, "outside", "secret.txt"), join(root, "allowed", "link.txt"));
    await symlink(join("..", "outside", "nothing"), join(root, "allowed", "dangling.txt"));
    await symlink("way", join(root, "allowed", "chain"));
    for (const path of [
      join(root, "outside", "secret.txt"),
      join(root, "outside", "nothing"),
      "../outside/secret.txt",
      "way/secret.txt",
      "way/nothing",
      "way/deep/nothing",
      "link.txt",
      "dangling.txt",
      "chain/nothing",
      "~/secret.txt",
      "/etc/passwd",
      `${join(root, "allowed")}-not/a.txt`,
    ]) {
      const told = await refusal(path);
      expect(told).toMatch(/ is outside the allowed folders\.$/);
      expect(told).not.toMatch(/exist/);
    }
  });

  it("says what is missing inside them, and nothing of allowed folders", async () => {
    await symlink("sub/nothing", join(root, "allowed", "dangling.txt"));
    await symlink("circle", join(root, "allowed", "circle"));
    for (const path of ["nothing.png", "sub/deep/nothing.png", "a.txt/b", "dangling.txt"]) {
      const told = await refusal(path);
      expect(told, path).toMatch(/ does not exist\.$/);
      expect(told).not.toMatch(/outside/);
    }
    expect(await refusal("circle")).toMatch(/cannot be read \(ELOOP\)/);
  });

  it("names the chat applications' own places for what they are, and no others", async () => {
    for (const path of [
      "/mnt/user-data/uploads/a.png",
      "/mnt/data/a.png",
      "sandbox:/mnt/data/a.png",
      "file:///mnt/data/a.png",
    ]) {
      const { message, next } = await refused(path);
      expect(message, path).toMatch(/upload of the chat application.*cannot see/);
      expect(next).toContain("LONGCAT_MCP_INPUT_DIRS");
    }
    for (const path of ["/mnt/c/Users/a.png", "/mnt/database/a.png", "/mnt/nas/a.png", "/mnt/a"]) {
      expect(await refusal(path), path).toBe(`${path} is outside the allowed folders.`);
    }
  });

  it("folders, NUL characters, other schemes and file URLs of other machines", async () => {
    expect(await refusal("sub")).toMatch(/is a folder/);
    expect(await refusal("a.txt\0.png")).toMatch(/NUL/);
    for (const path of ["file://elsewhere/a.txt", "file:///a%2Fb", "file:///50%.txt"]) {
      expect(await refusal(path), path).toMatch(/no file of this machine/);
    }
    for (const path of ["https://example.com/a", "s3://bucket/a", "data:text/plain,a"]) {
      expect(await refusal(path), path).toMatch(/is no path/);
    }
  });

  it("paths of Windows, with what they are called here", async () => {
    for (const path of ["C:\\Users\\me\\a.png", "d:/a.png", "\\\\server\\share\\a.png"]) {
      const { message, next } = await refused(path);
      expect(message, path).toMatch(/is a Windows path, and this program runs under/);
      expect(next).not.toBe("");
    }
    expect(pathUnderWsl("C:\\Users\\me\\a b.png")).toBe("/mnt/c/Users/me/a b.png");
    expect(pathUnderWsl("d:/a.png")).toBe("/mnt/d/a.png");
    expect(pathUnderWsl("\\\\wsl.localhost\\Ubuntu\\home\\me\\a.png")).toBe("/home/me/a.png");
    expect(pathUnderWsl("\\\\server\\share\\a.png")).toBeUndefined();
  });

  it("paths of any length and with any characters, shown on one short line", async () => {
    for (const path of ["a/".repeat(4_000_000), `x${"é".repeat(5_000)}`, `/${"b".repeat(4_000)}`]) {
      expect((await refusal(path)).length).toBeLessThan(500);
    }
    const told = await refusal("no\nfile\u202e\u0007.png");
    expect(told).toMatch(/no file\.png does not exist\.$/);
  });

  it("pipes, devices and sockets, without waiting for them", async () => {
    execFileSync("mkfifo", [join(root, "allowed", "pipe")]);
    await symlink("/dev/zero", join(root, "allowed", "zero"));
    const socket = createServer().listen(join(root, "allowed", "socket"));
    await once(socket, "listening");
    expect(await refusal("pipe")).toMatch(/not a regular file/);
    expect(await refusal("zero")).toMatch(/outside/);
    expect(await refusal("socket")).toMatch(/cannot be read/);
    socket.close();
    places = { ...places, allowedDirs: ["/dev"] };
    expect(await refusal("/dev/zero")).toMatch(/not a regular file/);
  });

  it("with the allowed folders named, whatever the reason", async () => {
    execFileSync("mkfifo", [join(root, "allowed", "pipe")]);
    const socket = createServer().listen(join(root, "allowed", "socket"));
    await once(socket, "listening");
    await symlink(join(root, "outside", "secret.txt"), join(root, "allowed", "link.txt"));
    for (const path of ["pipe", "socket", "sub", "nothing", "link.txt", "/proc/self/environ"]) {
      const { next } = await refused(path);
      expect(next, path).toContain(places.allowedDirs.join(" or "));
      expect(next, path).toContain("LONGCAT_MCP_INPUT_DIRS");
    }
    socket.close();
  });
});

/** Exchanges a link, and a folder on the way, between inside and outside as fast as it can. */
const ATTACKER = `
const fs = require("node:fs");
const { join } = require("node:path");
const root = process.argv[1];
const at = (...parts) => join(root, ...parts);
const put = (target, link) => {
  fs.symlinkSync(target, link + ".new");
  fs.renameSync(link + ".new", link);
};
process.stdout.write("ready");
for (;;) {
  put(at("outside", "secret.txt"), at("allowed", "link.txt"));
  put(at("allowed", "a.txt"), at("allowed", "link.txt"));
  put(at("outside"), at("allowed", "way"));
  put(at("allowed", "sub"), at("allowed", "way"));
  fs.renameSync(at("allowed", "sub"), at("allowed", "sub.kept"));
  fs.symlinkSync(at("outside"), at("allowed", "sub"));
  fs.unlinkSync(at("allowed", "sub"));
  fs.renameSync(at("allowed", "sub.kept"), at("allowed", "sub"));
}`;

describe("a path that another process exchanges all the time", () => {
  it("is never read outside the allowed folders", async () => {
    await symlink(join(root, "allowed", "a.txt"), join(root, "allowed", "link.txt"));
    await symlink(join(root, "allowed", "sub"), join(root, "allowed", "way"));
    const attacker = spawn(process.execPath, ["-e", ATTACKER, root]);
    await once(attacker.stdout, "data");
    const counts = { fine: 0, refused: 0 };
    const isSeen = () => counts.fine > RACE_SEEN && counts.refused > RACE_SEEN;
    try {
      // Only an attack that never is one lasts until the test is ended.
      for (let round = 0; round < RACE_ROUNDS || !isSeen(); round++) {
        for (const path of ["link.txt", "way/secret.txt", "sub/secret.txt"]) {
          const content = await read(path).catch((error: unknown) => {
            if (!(error instanceof AppError)) throw error;
            return "refused";
          });
          expect(content).toMatch(/^(?:fine|refused)$/);
          counts[content === "fine" ? "fine" : "refused"]++;
        }
      }
    } finally {
      attacker.kill("SIGKILL");
      await once(attacker, "close");
    }
  });
});
