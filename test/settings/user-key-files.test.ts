import { execFileSync } from "node:child_process";
import { chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { createRedact, type Redact } from "../../src/core/redact.ts";
import { ownerKeys } from "../../src/settings/owner-keys.ts";
import { KeyFiles } from "../../src/settings/user-key-files.ts";
import { disguises } from "../support/disguises.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { check } from "../support/settings.ts";
import { tempDir } from "../support/temp-dir.ts";
import { silentLog } from "../support/tool-deps.ts";

const KEY = "anna-key-0f1E2d3C4b5A6978";
const SHARED = "shared-key-9f8e7d6c5b4a";

let folder: string;
let redact: Redact;
let clock: FakeClock;
let warnings: string[];
let files: KeyFiles;

beforeEach(async () => {
  folder = await tempDir();
  redact = createRedact([]);
  clock = new FakeClock();
  warnings = [];
  const log = { ...silentLog, warn: (_fields: object, words: string) => void warnings.push(words) };
  files = new KeyFiles({ folder, clock, log, learn: redact.learn });
});

async function put(name: string, content: string | Buffer, mode = 0o600): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

describe("a key of a user's own", () => {
  it.each([
    ["as it is", KEY],
    ["with a line end", `${KEY}\n`],
    ["with another system's line end", `${KEY}\r\n`],
    ["with blanks around it", `  ${KEY}\n\n`],
    ["in quotes", `"${KEY}"\n`],
    ["as a header has it", `Bearer ${KEY}\n`],
    ["after a mark of its encoding", `\uFEFF${KEY}\n`],
  ])("is read %s", async (_how, content) => {
    await put("anna/PIXAZO_API_KEY", content);
    expect(await files.read("anna", "apiKey")).toBe(KEY);
    expect(redact(`before ${KEY} after`)).toBe("before [key removed] after");
  });

  it("is read anew each time, and one that was replaced or taken away stays unseen", async () => {
    const path = await put("anna/LONGCAT_API_KEY", KEY);
    expect(await files.read("anna", "chatApiKey")).toBe(KEY);
    await put("anna/LONGCAT_API_KEY", "another-key-1234567890");
    expect(await files.read("anna", "chatApiKey")).toBe("another-key-1234567890");
    await rm(path);
    await expect(files.read("anna", "chatApiKey")).rejects.toMatchObject({ code: "configuration" });
    for (const key of [KEY, "another-key-1234567890"]) {
      for (const { text } of disguises(key)) expect(redact(`(${text})`)).toContain("[key removed]");
    }
  });

  it("may be where a cluster mounts it: links within the user's own folder", async () => {
    await put("anna/..2026_11_29/PIXAZO_API_KEY", KEY);
    await symlink("..2026_11_29", join(folder, "anna/..data"));
    await symlink("..data/PIXAZO_API_KEY", join(folder, "anna/PIXAZO_API_KEY"));
    expect(await files.read("anna", "apiKey")).toBe(KEY);
  });

  it("is used, and said to be open, where others can read it", async () => {
    await put("anna/PIXAZO_API_KEY", KEY, 0o644);
    for (let i = 0; i < 3; i++) expect(await files.read("anna", "apiKey")).toBe(KEY);
    expect(warnings).toEqual([expect.stringContaining("can be read by other users")]);
  });
});

describe("no key of a user's own", () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ["is there", async () => {}, "is missing"],
    ["is in an empty file", () => put("anna/PIXAZO_API_KEY", "\n"), "has no key in it"],
    ["is an example", () => put("anna/PIXAZO_API_KEY", "your-api-key-here"), "has no key in it"],
    ["has blanks in it", () => put("anna/PIXAZO_API_KEY", `${KEY} x`), "characters"],
    ["has typographic quotes", () => put("anna/PIXAZO_API_KEY", `“${KEY}”`), "characters"],
    ["is of two lines", () => put("anna/PIXAZO_API_KEY", `${KEY}\n${KEY}`), "characters"],
    ["is a whole file", () => put("anna/PIXAZO_API_KEY", "x".repeat(4_097)), "too large"],
    ["can be changed by everybody", () => put("anna/PIXAZO_API_KEY", KEY, 0o602), "everybody"],
    ["is a folder", () => put("anna/PIXAZO_API_KEY/x", KEY), "is no file"],
    [
      "is a pipe",
      async () => {
        await mkdir(join(folder, "anna"));
        execFileSync("mkfifo", [join(folder, "anna/PIXAZO_API_KEY")]);
      },
      "is no file",
    ],
    [
      "is another user's by a link",
      async () => {
        await put("berta/PIXAZO_API_KEY", SHARED);
        await mkdir(join(folder, "anna"));
        await symlink("../berta/PIXAZO_API_KEY", join(folder, "anna/PIXAZO_API_KEY"));
      },
      "leads out of the user's folder",
    ],
    [
      "is in another user's folder by a link",
      async () => {
        await put("berta/PIXAZO_API_KEY", SHARED);
        await symlink("berta", join(folder, "anna"));
      },
      "is in a folder that is a link",
    ],
    [
      "is above the folder",
      async () => {
        await put("PIXAZO_API_KEY", SHARED);
        await mkdir(join(folder, "anna"));
        await symlink("../PIXAZO_API_KEY", join(folder, "anna/PIXAZO_API_KEY"));
      },
      "leads out of the user's folder",
    ],
  ])("where it %s", async (_what, make, why) => {
    await make();
    const refused = await files.read("anna", "apiKey").catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: "configuration",
      message: expect.stringContaining(why),
      next: expect.stringContaining("PIXAZO_API_KEY of this user's folder in LONGCAT_MCP_KEYS_DIR"),
    });
    expect(JSON.stringify(refused) + String(refused)).not.toContain(folder);
    expect(String(refused)).not.toContain(KEY);
  });

  it.each(["", ".", "..", "../berta", "a/b", "Anna", "-a", "a..b", "x".repeat(65)])(
    "for the name %j, which nobody has",
    async (name) => {
      await put("berta/PIXAZO_API_KEY", KEY);
      await put("PIXAZO_API_KEY", KEY);
      await expect(files.read(name, "apiKey")).rejects.toMatchObject({ code: "configuration" });
    },
  );
});

describe("what must not be shown", () => {
  it("are the keys of all users, also of those who have not called yet", async () => {
    await put("anna/PIXAZO_API_KEY", KEY);
    await put("berta/LONGCAT_API_KEY", SHARED);
    await files.open();
    expect(redact(`${KEY} ${SHARED}`)).toBe("[key removed] [key removed]");
    files.close();
    expect(clock.pending).toBe(0);
  });

  it("is a key that came later, soon", async () => {
    await files.open();
    await put("anna/PIXAZO_API_KEY", KEY);
    await clock.advance(10_000);
    await expect.poll(() => redact(KEY)).toBe("[key removed]");
    files.close();
  });

  it("is what can be no key as well", async () => {
    await put("anna/PIXAZO_API_KEY", `${KEY} extra-word`);
    await files.open();
    files.close();
    expect(redact(`${KEY} extra-word`)).toBe("[key removed] [key removed]");
  });
});

describe("which key a call carries", () => {
  const env = { PIXAZO_API_KEY: SHARED, LONGCAT_MCP_KEYS_DIR: "/there/keys" };
  const nameOf = async (owner: string) => (owner === "u7" ? "anna" : undefined);
  const keysOf = (more: Record<string, string> = {}, withFiles = true) =>
    ownerKeys({
      settings: check({ ...env, ...more }).settings,
      files: withFiles ? files : undefined,
      homeOwner: "local",
      nameOf,
    });

  it("is the owner's own, and the environment's for the user of this machine", async () => {
    await put("anna/PIXAZO_API_KEY", KEY);
    const keys = keysOf();
    expect(await keys.of("u7", "apiKey")).toBe(KEY);
    expect(await keys.of("local", "apiKey")).toBe(SHARED);
  });

  it("is never the shared one for an owner without a file, nor for one without a name", async () => {
    await put("local/PIXAZO_API_KEY", KEY);
    for (const owner of ["u7", "nobody"]) {
      await expect(keysOf().of(owner, "apiKey")).rejects.toMatchObject({ code: "configuration" });
    }
    expect(await keysOf().of("local", "apiKey")).toBe(SHARED);
  });

  it("is the shared one for all where keys have no folder", async () => {
    const keys = keysOf({}, false);
    expect(await keys.of("u7", "apiKey")).toBe(SHARED);
    await expect(keys.of("u7", "chatApiKey")).rejects.toThrow("LONGCAT_API_KEY is missing");
  });

  it("is none on the sandbox", async () => {
    expect(await keysOf({ LONGCAT_MCP_SANDBOX: "on" }).of("u7", "apiKey")).toBe("sandbox");
  });
});
