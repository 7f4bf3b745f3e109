import { describe, expect, it } from "vitest";
import { isOurs, keysIn, renewed, shownEntry } from "../../src/hosts/host-entry.ts";
import { HOSTS, type HostPlace } from "../../src/hosts/hosts.ts";
import { HOST_NAMES, type HostName } from "../../src/settings/commands.ts";

const LAUNCH = { command: "node", args: ["/opt/longcat-mcp/dist/cli.js"], env: { A: "1" } };

/** What a host fills in by itself. */
const FILLED_IN = ["$", "{env:B}"].join("");

function fileOf(name: HostName, place: Partial<HostPlace>): string {
  const homes = { darwin: "/Users/u", linux: "/home/u", win32: "C:\\Users\\u" };
  const { platform = "linux" } = place;
  const homeDir = platform === "darwin" || platform === "win32" ? homes[platform] : homes.linux;
  return HOSTS[name].file({ platform, env: {}, homeDir, isThere: () => false, ...place });
}

describe("the file of a host", () => {
  it.each<[HostName, string, string, string]>([
    [
      "claude-desktop",
      "/Users/u/Library/Application Support/Claude/claude_desktop_config.json",
      "C:\\Users\\u\\AppData\\Roaming\\Claude\\claude_desktop_config.json",
      "/home/u/.config/Claude/claude_desktop_config.json",
    ],
    ["claude-code", "/Users/u/.claude.json", "C:\\Users\\u\\.claude.json", "/home/u/.claude.json"],
    [
      "cursor",
      "/Users/u/.cursor/mcp.json",
      "C:\\Users\\u\\.cursor\\mcp.json",
      "/home/u/.cursor/mcp.json",
    ],
    [
      "vscode",
      "/Users/u/Library/Application Support/Code/User/mcp.json",
      "C:\\Users\\u\\AppData\\Roaming\\Code\\User\\mcp.json",
      "/home/u/.config/Code/User/mcp.json",
    ],
    [
      "codex",
      "/Users/u/.codex/config.toml",
      "C:\\Users\\u\\.codex\\config.toml",
      "/home/u/.codex/config.toml",
    ],
    [
      "gemini",
      "/Users/u/.gemini/settings.json",
      "C:\\Users\\u\\.gemini\\settings.json",
      "/home/u/.gemini/settings.json",
    ],
    [
      "opencode",
      "/Users/u/.config/opencode/opencode.json",
      "C:\\Users\\u\\.config\\opencode\\opencode.json",
      "/home/u/.config/opencode/opencode.json",
    ],
    [
      "windsurf",
      "/Users/u/.codeium/windsurf/mcp_config.json",
      "C:\\Users\\u\\.codeium\\windsurf\\mcp_config.json",
      "/home/u/.codeium/windsurf/mcp_config.json",
    ],
  ])("%s", (name, onMac, onWindows, onLinux) => {
    expect(fileOf(name, { platform: "darwin" })).toBe(onMac);
    expect(fileOf(name, { platform: "win32" })).toBe(onWindows);
    expect(fileOf(name, { platform: "linux" })).toBe(onLinux);
  });

  it("is where the host's own variables say", () => {
    expect(fileOf("codex", { env: { CODEX_HOME: "/c" } })).toBe("/c/config.toml");
    expect(fileOf("claude-code", { env: { CLAUDE_CONFIG_DIR: "/c" } })).toBe("/c/.claude.json");
    expect(fileOf("gemini", { env: { GEMINI_CLI_HOME: "/c" } })).toBe("/c/.gemini/settings.json");
    const xdg = { env: { XDG_CONFIG_HOME: "/x" } };
    expect(fileOf("opencode", xdg)).toBe("/x/opencode/opencode.json");
    expect(fileOf("vscode", xdg)).toBe("/x/Code/User/mcp.json");
    const windows = { platform: "win32", env: { APPDATA: "D:\\A" } } as const;
    expect(fileOf("vscode", windows)).toBe("D:\\A\\Code\\User\\mcp.json");
  });

  it("is the one that is there where a host reads several", () => {
    const isThere = (path: string) => /\.jsonc$|Packages/.test(path);
    expect(fileOf("opencode", { isThere })).toMatch(/opencode\.jsonc$/);
    expect(fileOf("claude-desktop", { platform: "win32", isThere })).toBe(
      "C:\\Users\\u\\AppData\\Local\\Packages\\Claude_pzs8sxrjxfjjc\\LocalCache\\Roaming\\Claude\\claude_desktop_config.json",
    );
  });
});

describe("a host's entry", () => {
  it("has the form that the host reads", () => {
    const plain = { command: LAUNCH.command, args: LAUNCH.args, env: LAUNCH.env };
    const forms = Object.fromEntries(HOST_NAMES.map((name) => [name, HOSTS[name].entry(LAUNCH)]));
    for (const name of ["claude-desktop", "cursor", "codex", "gemini", "windsurf"]) {
      expect(forms[name]).toEqual(plain);
    }
    for (const name of ["claude-code", "vscode"]) {
      expect(forms[name]).toEqual({ type: "stdio", ...plain });
    }
    expect(forms["opencode"]).toEqual({
      type: "local",
      command: ["node", "/opt/longcat-mcp/dist/cli.js"],
      environment: { A: "1" },
      enabled: true,
    });
  });

  it("is one step deeper in an opencode of version 2, unless a server is called servers", () => {
    const { section } = HOSTS.opencode;
    expect(section({})).toEqual(["mcp"]);
    expect(section({ mcp: { servers: { x: { type: "local" } } } })).toEqual(["mcp", "servers"]);
    expect(section({ mcp: { servers: { type: "local", command: ["x"] } } })).toEqual(["mcp"]);
  });

  it("is recognised by the program, its script or its settings, and another's is not", () => {
    const { entry } = HOSTS.opencode;
    expect(isOurs(entry(LAUNCH))).toBe(true);
    expect(isOurs({ command: "npx", args: ["-y", "longcat-mcp"] })).toBe(true);
    expect(isOurs({ command: "node", args: ["/x/cli.js"], env: { PIXAZO_API_KEY: "k" } })).toBe(
      true,
    );
    expect(
      isOurs({ command: "node", args: ["/x/cli.js"] }, { ...LAUNCH, args: ["/x/cli.js"] }),
    ).toBe(true);
    for (const other of [{ command: "node", args: ["/x/cli.js"] }, { url: "x" }, 1, null, "x"]) {
      expect(isOurs(other, LAUNCH)).toBe(false);
    }
  });

  it("keeps what its user has added, and loses keys", () => {
    const before = {
      command: "nodejs",
      args: [],
      timeout: 9,
      env: { PIXAZO_API_KEY: "sk-1", LONGCAT_API_KEY: FILLED_IN, MINE: "1", A: "0" },
    };
    const names = ["PIXAZO_API_KEY", "LONGCAT_API_KEY"];
    expect(keysIn(before, names)).toEqual({ PIXAZO_API_KEY: "sk-1" });
    expect(renewed(before, HOSTS.cursor.entry(LAUNCH), names)).toEqual({
      command: "node",
      args: LAUNCH.args,
      timeout: 9,
      env: { LONGCAT_API_KEY: FILLED_IN, MINE: "1", A: "1" },
    });
  });

  it("is shown without what may be a secret", () => {
    const shown = shownEntry({
      env: { PIXAZO_API_KEY: "sk-1", PIXAZO_API_KEY_FILE: "/k", MY_TOKEN: "t", B: FILLED_IN },
      headers: { Authorization: "Bearer x" },
    });
    expect(shown).toEqual({
      env: { PIXAZO_API_KEY: "…", PIXAZO_API_KEY_FILE: "/k", MY_TOKEN: "…", B: FILLED_IN },
      headers: { Authorization: "…" },
    });
  });
});
