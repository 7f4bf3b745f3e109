/** What this program can be told to do; the first is what it does when told nothing. */
export const COMMANDS = [
  "stdio",
  "http",
  "sandbox",
  "demo",
  "gallery",
  "jobs",
  "users",
  "audit",
  "folders",
  "migrate",
  "doctor",
  "install",
  "uninstall",
] as const;
export type Command = (typeof COMMANDS)[number];

/** Where the commands that listen do so unless they are told another port. */
export const DEFAULT_PORTS = { http: 8787, sandbox: 4010 } as const;

export const COMMAND_HELP: Readonly<Record<Command, string>> = {
  stdio: "serve MCP on stdin and stdout (the default)",
  http: "serve MCP over HTTP on this machine",
  sandbox: "run the imitated provider alone, for any client of its API",
  demo: "show the main job on the sandbox: no key, no network, no cost",
  gallery: "show everything made in a browser: pictures, conversations, spending",
  jobs: "list, show, export, settle or delete jobs",
  users: "say who may call over HTTP: add, change, revoke, export or erase users",
  audit: "print what has happened here, a JSON object a line",
  folders: "list the folders that were opened by an answer to a question, or close one again",
  migrate: "move everything from this machine to a PostgreSQL that several machines share, or back",
  doctor: "check folders, keys and dependencies, and say which hosts have the server",
  install: "add the server to a host's configuration; keys go into files of ours",
  uninstall: "take the server out of a host's configuration, which is then as it was before",
};

/** The hosts that `install` knows. */
export const HOST_NAMES = [
  "claude-desktop",
  "claude-code",
  "cursor",
  "vscode",
  "codex",
  "gemini",
  "opencode",
  "windsurf",
] as const;
export type HostName = (typeof HOST_NAMES)[number];

/** Commands that are followed by words, and by which; the others take options only. */
export const COMMAND_WORDS: Readonly<Partial<Record<Command, string>>> = {
  jobs: "[action]",
  users: "[action]",
  folders: "[action]",
  install: "<host>",
  uninstall: "<host>",
};

/** Something that a command can be told to do. */
export interface Action {
  /** That follow it, with a leading space. */
  words: string;
  help: string;
}

/** What the `jobs` command can be told to do; the first is its default. */
export const JOB_ACTIONS = {
  list: { words: "", help: "the newest jobs, one a line" },
  show: { words: " <job_id>", help: "all that is known of a job, as JSON" },
  export: { words: "", help: "every job, as JSON" },
  settle: {
    words: " <job_id> charged|not-charged",
    help: "settle what a job has cost, where nobody could know it",
  },
  delete: {
    words: " <job_id>|--older-than <age>",
    help: "forget ended jobs, their prompts included; what they cost still counts",
  },
} as const;

/** What the `users` command can be told to do, and the options that go with it. */
export const USER_ACTIONS = {
  list: { words: "", help: "who there is", options: ["json"] },
  add: {
    words: " <name>",
    help: "add a user and print the token, once; from the first one on HTTP asks for tokens",
    options: ["scopes", "budget-day", "budget-month", "days", "subject"],
  },
  set: {
    words: " <name>",
    help: "change a user: scopes, caps, the end of the token, the subject",
    options: ["scopes", "budget-day", "budget-month", "days", "subject"],
  },
  rotate: {
    words: " <name>",
    help: "print another token; the one before ends at once",
    options: ["days"],
  },
  revoke: { words: " <name>", help: "let a user in no more, at once and for good", options: [] },
  export: {
    words: " <name>",
    help: "all that is a user's, a JSON object a line",
    options: ["to"],
  },
  erase: {
    words: " <name>",
    help: "revoke a user and remove all that is theirs; what was spent still counts",
    options: ["force"],
  },
  open: {
    words: "",
    help: "ask for no token on this machine any more, once all users are revoked",
    options: [],
  },
} as const;

/** What the `folders` command can be told to do; the first is its default. */
export const FOLDER_ACTIONS = {
  list: { words: "", help: "the folders that were opened for good, and for what" },
  close: { words: " <folder>", help: "ask again before anything is read or saved there" },
} as const;

/** Commands that are told what to do by a word. */
export const ACTIONS: Readonly<Partial<Record<Command, Readonly<Record<string, Action>>>>> = {
  jobs: JOB_ACTIONS,
  users: USER_ACTIONS,
  folders: FOLDER_ACTIONS,
};

/** An option that is no setting: it belongs to one start of one command. */
export interface CommandOption {
  flag: string;
  commands: readonly Command[];
  /** What follows it, if it does not stand alone. */
  value?: string;
  help: string;
}

export const COMMAND_OPTIONS: readonly CommandOption[] = [
  {
    flag: "online",
    commands: ["doctor"],
    help: "ask the chat platform whether LONGCAT_API_KEY is valid; free",
  },
  {
    flag: "open",
    commands: ["gallery"],
    help: "open it in your browser as well",
  },
  {
    flag: "older-than",
    commands: ["jobs"],
    value: "age",
    help: "delete: all that were started so long ago, as 90d or 12w",
  },
  {
    flag: "files",
    commands: ["jobs"],
    help: "delete: their finished files too; copies made by save_to stay",
  },
  {
    flag: "dry-run",
    commands: ["install", "uninstall"],
    help: "show the change, and change nothing",
  },
  {
    flag: "scopes",
    commands: ["users"],
    value: "list",
    help: "add, set: some of jobs:read,jobs:buy,chat,admin; by default all but admin",
  },
  {
    flag: "budget-day",
    commands: ["users"],
    value: "usd",
    help: "add, set: the most the user may spend a day, in US dollars; none for no cap",
  },
  {
    flag: "budget-month",
    commands: ["users"],
    value: "usd",
    help: "add, set: the most the user may spend a month, in US dollars; none for no cap",
  },
  {
    flag: "days",
    commands: ["users"],
    value: "n",
    help: "add, set, rotate: the token ends after so many days; by default 365",
  },
  {
    flag: "subject",
    commands: ["users"],
    value: "sub",
    help: "add, set: the OAuth login that is this user as well",
  },
  { flag: "json", commands: ["users"], help: "list: as JSON" },
  {
    flag: "to",
    commands: ["users"],
    value: "dir",
    help: "export: into a new folder, with the files",
  },
  {
    flag: "to",
    commands: ["migrate"],
    value: "url",
    help: "the database, as postgres://…, in place of LONGCAT_MCP_DATABASE_URL; others on this machine can read it while the command runs",
  },
  {
    flag: "media",
    commands: ["migrate"],
    value: "url",
    help: "the bucket that finished files are copied to, as s3://…, in place of LONGCAT_MCP_MEDIA_URL; without one they stay on this disk",
  },
  {
    flag: "owner",
    commands: ["migrate"],
    value: "name",
    help: "the user whose the jobs become that were started without users",
  },
  {
    flag: "undo",
    commands: ["migrate"],
    help: "go back to the record here, as long as nothing has become of the jobs there",
  },
  {
    flag: "force",
    commands: ["users"],
    help: "erase: also while jobs are unfinished, which may still be charged",
  },
  {
    flag: "since",
    commands: ["audit"],
    value: "when",
    help: "from then on: 2026-11-20, 2026-11-20T08:30Z, today, yesterday, or ago as 30m, 12h, 7d, 4w",
  },
];

/** Commands that read few settings, and which; the others read all. */
const FEW: Readonly<Partial<Record<Command, readonly string[]>>> = {
  sandbox: ["LONGCAT_MCP_SANDBOX", "LONGCAT_MCP_SANDBOX_SPEED", "LONGCAT_MCP_PORT"],
  demo: ["LONGCAT_MCP_SANDBOX", "LONGCAT_MCP_SANDBOX_SPEED"],
  gallery: [
    "LONGCAT_MCP_SANDBOX",
    "LONGCAT_MCP_DATA_DIR",
    "LONGCAT_MCP_OUTPUT_DIR",
    "LONGCAT_MCP_PORT",
    "LONGCAT_MCP_BUDGET_USD_PER_DAY",
    "LONGCAT_MCP_BUDGET_USD_PER_MONTH",
    "LONGCAT_MCP_LOG_LEVEL",
  ],
  jobs: ["LONGCAT_MCP_SANDBOX", "LONGCAT_MCP_DATA_DIR", "LONGCAT_MCP_OUTPUT_DIR"],
  uninstall: ["LONGCAT_MCP_SANDBOX", "LONGCAT_MCP_DATA_DIR"],
  users: ["LONGCAT_MCP_SANDBOX", "LONGCAT_MCP_DATA_DIR", "LONGCAT_MCP_OUTPUT_DIR"],
  audit: ["LONGCAT_MCP_SANDBOX", "LONGCAT_MCP_DATA_DIR"],
  folders: ["LONGCAT_MCP_SANDBOX", "LONGCAT_MCP_DATA_DIR"],
  migrate: [
    "LONGCAT_MCP_SANDBOX",
    "LONGCAT_MCP_DATA_DIR",
    "LONGCAT_MCP_OUTPUT_DIR",
    "LONGCAT_MCP_DATABASE_URL",
    "LONGCAT_MCP_DATABASE_PREPARE",
    "LONGCAT_MCP_MEDIA_URL",
    "LONGCAT_MCP_KEEP_PROMPTS",
  ],
};

/** Whether a setting means something to a command. */
export function isRead(
  { env, commands }: { env: string; commands?: readonly Command[] },
  command: Command,
): boolean {
  return (FEW[command]?.includes(env) ?? true) && (commands?.includes(command) ?? true);
}
