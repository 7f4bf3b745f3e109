import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { addToHost, takeFromHost } from "../../src/cli/host-changes.ts";
import { HostText } from "../../src/hosts/host-text.ts";
import { HOSTS } from "../../src/hosts/hosts.ts";
import type { HostName } from "../../src/settings/commands.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { tempDir } from "./temp-dir.ts";

export const PIXAZO = "pixazo-key-0123456789";
export const LONGCAT = "longcat-key-0123456789";
export const THEIRS = "ghp_somebody-elses-token";
export const KEYS = { PIXAZO_API_KEY: PIXAZO, LONGCAT_API_KEY: LONGCAT };
const LAUNCH = { command: "/usr/bin/node", args: ["/opt/longcat-mcp/dist/cli.js"], env: {} };

/** A host's file with comments, other servers and other settings. */
export const FULL: Readonly<Record<HostName, string>> = {
  "claude-desktop": `{\n  // mine\n  "mcpServers": {\n    "github": { "command": "gh", "env": { "TOKEN": "${THEIRS}" } } // theirs\n  },\n  "theme": "dark"\n}\n`,
  "claude-code": `{"numStartups":7,"mcpServers":{"github":{"type":"stdio","command":"gh","env":{"TOKEN":"${THEIRS}"}}},"projects":{"/x":{"mcpServers":{}}}}`,
  cursor: `{\r\n\t"mcpServers": {\r\n\t\t/* theirs */\r\n\t\t"github": { "command": "gh", "env": { "TOKEN": "${THEIRS}" } },\r\n\t},\r\n}\r\n`,
  vscode: `{\n    "inputs": [],\n    "servers": {\n        "github": { "type": "http", "url": "https://example.com", "headers": { "Authorization": "${THEIRS}" } }\n        // "off": {}\n    }\n}`,
  codex: `model = "o" # mine\n\n[mcp_servers.github] # theirs\ncommand = "gh"\nenv = { TOKEN = "${THEIRS}" }\n\n[projects."/x"]\ntrust_level = "trusted"\n`,
  gemini: `{\n  "mcpServers": {\n    "github": {\n      "command": "gh",\n      "env": { "TOKEN": "${THEIRS}" } // theirs\n    }\n  },\n  "ui": { "theme": "x" }\n}\n`,
  opencode: `{\n  "$schema": "https://opencode.ai/config.json",\n  // theirs\n  "mcp": {\n    "github": { "type": "local", "command": ["gh"], "environment": { "TOKEN": "${THEIRS}" }, "enabled": false }\n  }\n}\n`,
  windsurf: `{ "mcpServers": { "github": { "command": "gh", "env": { "TOKEN": "${THEIRS}" } } } } // theirs`,
};

type Env = Record<string, string>;

interface Adding {
  dry?: boolean;
  /** What somebody at a terminal answers; absent where nobody is there. */
  answers?: Env;
  launch?: Parameters<typeof addToHost>[2]["launch"];
}

/** A home folder with hosts in it, to which the server is added, and from which it is taken. */
export interface HostHome {
  home: string;
  /** What the commands have said, a line each. */
  said: string[];
  add(name: HostName, env?: Env, more?: Adding): Promise<void>;
  take(name: HostName, dry?: boolean): Promise<void>;
  fileOf(name: HostName): string;
  entryOf(name: HostName): Promise<unknown>;
  /** Puts a file where the host has it. @returns its path */
  given(name: HostName, text: string): Promise<string>;
  /** Everything in the home folder: names, modes and contents. */
  everything(): Promise<Record<string, string>>;
}

/** @param platform by whose rules hosts are looked for; one with paths as this machine has them */
export async function openHostHome(platform: "linux" | "darwin" = "linux"): Promise<HostHome> {
  const home = await tempDir();
  const said: string[] = [];
  const place = { platform, env: {}, homeDir: home, isThere: existsSync };
  const changes = (isDryRun = false) => ({
    ...{ place, isDryRun, dataDir: join(home, "data") },
    write: (text: string) => said.push(text),
  });
  const fileOf = (name: HostName) => HOSTS[name].file(place);
  return {
    ...{ home, said, fileOf },
    async add(name, env = KEYS, { dry, answers, launch = LAUNCH } = {}) {
      const surroundings = {
        ...{ env: { HOME: home, ...env }, flags: {}, platform, workingDir: home },
        readFile: () => "key-in-a-file",
      };
      await addToHost(name, changes(dry), {
        settings: readSettings(surroundings),
        ...{ surroundings, launch },
        ask: answers && (async (variable) => answers[variable]),
      });
    },
    take: (name, dry = false) => takeFromHost(name, changes(dry)),
    async entryOf(name) {
      const path = fileOf(name);
      return new HostText(HOSTS[name], path, await readFile(path, "utf8")).entry;
    },
    async given(name, text) {
      const path = fileOf(name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
      return path;
    },
    async everything() {
      const names = await readdir(home, { recursive: true });
      const rows = names.map(async (name): Promise<[string, string]> => {
        const { mode } = await stat(join(home, name));
        const content = await readFile(join(home, name), "utf8").catch(() => "a folder");
        return [name, `${(mode & 0o777).toString(8)} ${content}`];
      });
      return Object.fromEntries(await Promise.all(rows));
    },
  };
}
