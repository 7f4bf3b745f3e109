import { chmod, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { HOSTS } from "../../src/hosts/hosts.ts";
import { HOST_NAMES, type HostName } from "../../src/settings/commands.ts";
import { FULL, openHostHome } from "../support/host-home.ts";

/* Every host on its file as people, programs and editors of several platforms leave them. */

const PLATFORMS = ["linux", "darwin"] as const;
/** As it is where the program lies under Windows, and as nobody should write it. */
const ODD_LAUNCH = {
  command: "C:\\Program Files\\nodejs\\node.exe",
  args: ['C:\\Users\\Jörg "J" Ünal\\longcat-mcp\\dist\\cli.js', "--port=1", "a # b"],
  env: { LONGCAT_MCP_OUTPUT_DIR: "C:\\Bilder\\neu\n", "A B": "ü=1" },
};

const tabbed = (text: string) =>
  text.replaceAll(/^( {2})+/gm, (blanks) => "\t".repeat(blanks.length / 2));

/** What becomes of a host's file before the server is added to it. */
const SHAPES: readonly [string, (text: string, name: HostName) => string][] = [
  ["as it is", (text) => text],
  ["a byte order mark", (text) => `\uFEFF${text}`],
  ["line ends of Windows", (text) => text.replaceAll(/\r?\n/g, "\r\n")],
  ["both of these", (text) => `\uFEFF${text.replaceAll(/\r?\n/g, "\r\n")}`],
  ["tabs", tabbed],
  ["no end of its last line", (text) => text.trimEnd()],
  ["many empty lines at its end", (text) => `${text}\n\n\n`],
  ["nothing in it", () => ""],
  [
    "an empty list of servers",
    (_, name) =>
      HOSTS[name].format === "toml"
        ? "# none\n[mcp_servers]\n"
        : `{ "${HOSTS[name].section({})[0]}": {} }\n`,
  ],
];

describe.each(HOST_NAMES)("%s", (name) => {
  describe.each(PLATFORMS)("on %s", (platform) => {
    it.each(SHAPES)("with %s: added once, twice, and undone to the byte", async (_, shaped) => {
      const at = await openHostHome(platform);
      const text = shaped(FULL[name], name);
      const path = await at.given(name, text);
      const before = await at.everything();
      await at.add(name);
      const once = await at.everything();
      expect(JSON.stringify(await at.entryOf(name))).toContain("/opt/longcat-mcp/dist/cli.js");
      expect((await readFile(path, "utf8")).startsWith("\uFEFF")).toBe(text.startsWith("\uFEFF"));
      await at.add(name);
      expect(await at.everything()).toEqual(once);
      await at.take(name);
      expect(await at.everything()).toEqual(before);
    });

    it("that may only be read keeps its mode, and a link stays one", async () => {
      const at = await openHostHome(platform);
      const real = join(at.home, "dotfiles", "real");
      await mkdir(dirname(real));
      await writeFile(real, FULL[name], { mode: 0o444 });
      await chmod(real, 0o444);
      await mkdir(dirname(at.fileOf(name)), { recursive: true });
      await symlink(real, at.fileOf(name));
      await at.add(name);
      expect(await readFile(real, "utf8")).toContain("longcat");
      expect((await stat(real)).mode & 0o777).toBe(0o444);
      await at.take(name);
      expect([await readFile(real, "utf8"), (await stat(real)).mode & 0o777]).toEqual([
        FULL[name],
        0o444,
      ]);
    });
  });

  it("reads the words of an entry as they were meant, whatever stands in them", async () => {
    const at = await openHostHome();
    await at.given(name, FULL[name]);
    await at.add(name, {}, { launch: ODD_LAUNCH });
    expect(await at.entryOf(name)).toEqual(HOSTS[name].entry(ODD_LAUNCH));
    await at.add(name, {}, { launch: ODD_LAUNCH });
    await at.take(name);
    expect(await readFile(at.fileOf(name), "utf8")).toBe(FULL[name]);
  });

  it("is left alone where its file is broken, with the line that is", async () => {
    const at = await openHostHome();
    await at.given(name, `${FULL[name]}\n{ "a": [\n`);
    const before = await at.everything();
    await expect(at.add(name)).rejects.toThrow(/is not (?:JSON|TOML).* line \d+/);
    await expect(at.take(name)).rejects.toThrow(/is not (?:JSON|TOML)/);
    expect(await at.everything()).toEqual(before);
  });
});
