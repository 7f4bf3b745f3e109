/** What this program can be told to do; the first is what it does when told nothing. */
export const COMMANDS = ["stdio", "http", "sandbox", "demo", "jobs", "doctor"] as const;
export type Command = (typeof COMMANDS)[number];

export const COMMAND_HELP: Readonly<Record<Command, string>> = {
  stdio: "serve MCP on stdin and stdout (the default)",
  http: "serve MCP over HTTP on this machine",
  sandbox: "run the imitated provider alone, for any client of its API",
  demo: "show the main job on the sandbox: no key, no network, no cost",
  jobs: "list, show, export or settle jobs",
  doctor: "check folders, keys and dependencies",
};
