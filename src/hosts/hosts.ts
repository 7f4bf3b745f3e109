import { posix, win32 } from "node:path";
import { isFields } from "../core/json-fields.ts";
import type { HostName } from "../settings/commands.ts";
import { cleanValue } from "../settings/raw.ts";
import type { Entry, Launch } from "./host-entry.ts";

/** Where a host's configuration is looked for. */
export interface HostPlace {
  platform: NodeJS.Platform;
  env: Readonly<Record<string, string | undefined>>;
  homeDir: string;
  /** Whether there is a file or folder of that name. */
  isThere: (path: string) => boolean;
}

/** A program that starts MCP servers, as far as its configuration goes. */
export interface Host {
  title: string;
  format: "json" | "toml";
  /** The file that holds its user's servers, there or not. */
  file: (place: HostPlace) => string;
  /** Where servers are in that file, from its root down. */
  section: (configuration: unknown) => readonly string[];
  entry: (launch: Launch) => Entry;
}

/** The name that this server has in every host. */
export const SERVER_NAME = "longcat";

const plainEntry = ({ command, args, env }: Launch): Entry => ({
  command,
  args: [...args],
  ...withEnvironment("env", env),
});
const typedEntry = (launch: Launch): Entry => ({ type: "stdio", ...plainEntry(launch) });

function withEnvironment(name: string, env: Launch["env"]): Entry {
  return Object.keys(env).length === 0 ? {} : { [name]: { ...env } };
}

const inMcpServers = () => ["mcpServers"];

/** Every host that can be told of this server by a command. */
export const HOSTS: Readonly<Record<HostName, Host>> = {
  "claude-desktop": {
    title: "Claude Desktop",
    format: "json",
    file: claudeDesktopFile,
    section: inMcpServers,
    entry: plainEntry,
  },
  "claude-code": {
    title: "Claude Code",
    format: "json",
    file: (place) => at(place, folderOf(place, "CLAUDE_CONFIG_DIR"), ".claude.json"),
    section: inMcpServers,
    entry: typedEntry,
  },
  cursor: {
    title: "Cursor",
    format: "json",
    file: (place) => at(place, place.homeDir, ".cursor", "mcp.json"),
    section: inMcpServers,
    entry: plainEntry,
  },
  vscode: {
    title: "VS Code",
    format: "json",
    file: vscodeFile,
    section: () => ["servers"],
    entry: typedEntry,
  },
  codex: {
    title: "Codex",
    format: "toml",
    file: (place) =>
      at(
        place,
        cleanValue(place.env["CODEX_HOME"]) ?? at(place, place.homeDir, ".codex"),
        "config.toml",
      ),
    section: () => ["mcp_servers"],
    entry: plainEntry,
  },
  gemini: {
    title: "Gemini CLI",
    format: "json",
    file: (place) => at(place, folderOf(place, "GEMINI_CLI_HOME"), ".gemini", "settings.json"),
    section: inMcpServers,
    entry: plainEntry,
  },
  opencode: {
    title: "opencode",
    format: "json",
    file: opencodeFile,
    section: opencodeSection,
    entry: ({ command, args, env }) => ({
      type: "local",
      command: [command, ...args],
      ...withEnvironment("environment", env),
      enabled: true,
    }),
  },
  windsurf: {
    title: "Windsurf",
    format: "json",
    file: (place) => at(place, place.homeDir, ".codeium", "windsurf", "mcp_config.json"),
    section: inMcpServers,
    entry: plainEntry,
  },
};

function at({ platform }: HostPlace, ...parts: string[]): string {
  return (platform === "win32" ? win32 : posix).join(...parts);
}

/** What a variable puts in the home folder's place. */
function folderOf({ env, homeDir }: HostPlace, name: string): string {
  return cleanValue(env[name]) ?? homeDir;
}

/** Where the platform keeps what applications are told. */
function applicationFolder(place: HostPlace): string {
  const { platform, env, homeDir } = place;
  if (platform === "darwin") return at(place, homeDir, "Library", "Application Support");
  if (platform === "win32") {
    return cleanValue(env["APPDATA"]) ?? at(place, homeDir, "AppData", "Roaming");
  }
  return cleanValue(env["XDG_CONFIG_HOME"]) ?? at(place, homeDir, ".config");
}

const CLAUDE_PACKAGE = ["Packages", "Claude_pzs8sxrjxfjjc", "LocalCache", "Roaming", "Claude"];

function claudeDesktopFile(place: HostPlace): string {
  const { platform, env, homeDir, isThere } = place;
  const name = "claude_desktop_config.json";
  if (platform === "win32") {
    // As a package of Windows it sees a folder of its own in that one's place.
    const local = cleanValue(env["LOCALAPPDATA"]) ?? at(place, homeDir, "AppData", "Local");
    const packaged = at(place, local, ...CLAUDE_PACKAGE);
    if (isThere(packaged)) return at(place, packaged, name);
  }
  return at(place, applicationFolder(place), "Claude", name);
}

function vscodeFile(place: HostPlace): string {
  const portable = cleanValue(place.env["VSCODE_PORTABLE"]);
  if (portable !== undefined) return at(place, portable, "user-data", "User", "mcp.json");
  return at(place, applicationFolder(place), "Code", "User", "mcp.json");
}

/** opencode follows the same rule on every platform, and reads both names. */
function opencodeFile(place: HostPlace): string {
  const base = cleanValue(place.env["XDG_CONFIG_HOME"]) ?? at(place, place.homeDir, ".config");
  const [plain, commented] = ["opencode.json", "opencode.jsonc"].map((name) =>
    at(place, base, "opencode", name),
  );
  if (plain === undefined || commented === undefined) return base;
  return place.isThere(commented) && !place.isThere(plain) ? commented : plain;
}

/** Version 2 has its servers one step deeper; a server itself has a `type` in either. */
function opencodeSection(configuration: unknown): readonly string[] {
  const mcp = isFields(configuration) ? configuration["mcp"] : undefined;
  const deeper = isFields(mcp) ? mcp["servers"] : undefined;
  return isFields(deeper) && typeof deeper["type"] !== "string" ? ["mcp", "servers"] : ["mcp"];
}
