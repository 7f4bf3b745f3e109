import { homedir } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import * as z from "zod";
import { AppError } from "./core/errors.ts";
import { LOG_LEVELS } from "./core/log.ts";
import type { Limits, PriceList } from "./core/money.ts";

/*
 * Every setting: its variable, its flag where it has one, its default and one line of help. The
 * `--help` text, the README's table and the bundle's manifest are made from this file.
 */

const SWITCH_WORDS: Readonly<Record<string, boolean>> = {
  "1": true,
  true: true,
  yes: true,
  on: true,
  "0": false,
  false: false,
  no: false,
  off: false,
};

export interface SettingSpec {
  /** Environment variable. */
  env: string;
  /** Command-line flag that does the same, without dashes. */
  flag?: string;
  help: string;
  /** What the documentation shows where nothing is set. */
  defaultText: string;
  secret?: boolean;
  /** Which commands read it; all when absent. */
  commands?: readonly Command[];
  schema: z.ZodType<unknown, string>;
}

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

const text = z.string();
const url = z
  .string()
  .refine((value) => /^https?:\/\//i.test(value) && URL.canParse(value), {
    error: "must be an http or https URL",
  })
  .transform((value) => value.replace(/\/+$/, ""));
/** The chat platform's origin, however much of its paths somebody put behind it. */
const chatBase = url.transform((value) =>
  value.replace(/\/+(?:openai|anthropic)(?:\/+v1)?$/i, "").replace(/\/+$/, ""),
);
const key = text.transform((value) => value.replace(/^Bearer\s+/i, ""));
const onOff = z
  .string()
  .refine((value) => Object.hasOwn(SWITCH_WORDS, value.toLowerCase()), {
    error: `must be one of ${Object.keys(SWITCH_WORDS).join(", ")}`,
  })
  .transform((value) => SWITCH_WORDS[value.toLowerCase()] ?? false);
const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, { error: "must be a whole number" })
    .transform(Number)
    .pipe(
      z
        .number()
        .min(min, { error: `must be at least ${min}` })
        .max(max, { error: `must be at most ${max}` }),
    );
const positiveNumber = z
  .string()
  .transform(Number)
  .pipe(
    z
      .number({ error: "must be a number" })
      .min(0.01, { error: "must be at least 0.01" })
      .max(10_000),
  );
const dollars = z
  .string()
  .transform((value) => Number(value.replace(/^\$/, "")))
  .pipe(
    z
      .number({ error: "must be an amount in US dollars" })
      .min(0, { error: "must not be negative" }),
  );
const prices = z
  .string()
  .transform((value, context) => {
    try {
      return JSON.parse(value);
    } catch {
      context.addIssue({ code: "custom", message: "must be JSON" });
      return z.NEVER;
    }
  })
  .pipe(
    z.record(z.string(), z.number().min(0), {
      error: 'must be JSON of tool names and dollars, such as {"z_image_turbo_generate": 0.01}',
    }),
  );
const oneOf = <const V extends readonly [string, ...string[]]>(values: V) =>
  z
    .string()
    .transform((value) => value.toLowerCase())
    .pipe(z.enum(values, { error: `must be one of ${values.join(", ")}` }));

const TOOLSETS = ["images", "chat"] as const;
export type Toolset = (typeof TOOLSETS)[number];

const toolsets = z
  .string()
  .transform((value) => value.split(",").map((name) => name.trim().toLowerCase()))
  .pipe(
    z
      .array(
        z.enum(TOOLSETS, { error: `must be a comma-separated list of ${TOOLSETS.join(", ")}` }),
      )
      .min(1),
  );

export const SETTINGS = {
  apiKey: {
    env: "PIXAZO_API_KEY",
    help: "key of the Pixazo image gateway; or PIXAZO_API_KEY_FILE",
    defaultText: "unset: calls say so, the sandbox needs none",
    secret: true,
    schema: key,
  },
  chatApiKey: {
    env: "LONGCAT_API_KEY",
    help: "key of the LongCat chat platform; or LONGCAT_API_KEY_FILE",
    defaultText: "unset: calls say so, the sandbox needs none",
    secret: true,
    schema: key,
  },
  baseUrl: {
    env: "PIXAZO_BASE_URL",
    help: "the image gateway",
    defaultText: "https://gateway.pixazo.ai",
    schema: url,
  },
  legacyBaseUrl: {
    env: "PIXAZO_LEGACY_BASE_URL",
    help: "the older LongCat-Image status endpoint",
    defaultText: "https://gateway-falai-automate.appypie.workers.dev",
    schema: url,
  },
  chatBaseUrl: {
    env: "LONGCAT_BASE_URL",
    help: "the chat platform, with or without /openai, /openai/v1 or /anthropic",
    defaultText: "https://api.longcat.chat",
    schema: chatBase,
  },
  chatModel: {
    env: "LONGCAT_MCP_CHAT_MODEL",
    help: "the model that longcat_chat asks unless it is told another",
    defaultText: "LongCat-2.0-Preview",
    schema: text,
  },
  trimHistory: {
    env: "LONGCAT_MCP_TRIM_HISTORY",
    help: "leave out a thread's oldest turns where they no longer fit; off: refuse and say so",
    defaultText: "off",
    schema: onOff,
  },
  sandbox: {
    env: "LONGCAT_MCP_SANDBOX",
    flag: "sandbox",
    help: "use the built-in imitation of the provider: no key, no network, no cost",
    defaultText: "off",
    schema: onOff,
  },
  sandboxSpeed: {
    env: "LONGCAT_MCP_SANDBOX_SPEED",
    flag: "sandbox-speed",
    help: "divides the sandbox's times, which are a second or two",
    defaultText: "1",
    schema: positiveNumber,
  },
  dataDir: {
    env: "LONGCAT_MCP_DATA_DIR",
    help: "where the job database lives",
    defaultText: "the platform's folder for application data",
    schema: text,
  },
  outputDir: {
    env: "LONGCAT_MCP_OUTPUT_DIR",
    help: "where finished files are kept",
    defaultText: "Pictures/longcat-mcp in the home folder",
    schema: text,
  },
  inputDirs: {
    env: "LONGCAT_MCP_INPUT_DIRS",
    help: "further folders for input files and save_to, separated by the platform's path delimiter",
    defaultText: "the output folder and the working directory",
    schema: text,
  },
  publicUrl: {
    env: "LONGCAT_MCP_PUBLIC_URL",
    help: "where the provider can reach this server, to fetch local pictures and training sets",
    defaultText: "unset: only `qwen_image_edit` takes local files",
    schema: url,
  },
  publicPort: {
    env: "LONGCAT_MCP_PUBLIC_PORT",
    help: "on stdio, the local port that LONGCAT_MCP_PUBLIC_URL leads to; it serves those files only",
    defaultText: "unset",
    commands: ["stdio"],
    schema: wholeNumber(1, 65_535),
  },
  shrinkInputs: {
    env: "LONGCAT_MCP_SHRINK_INPUTS",
    help: "make pictures smaller that are too large (10 MB) to be sent inside a request",
    defaultText: "off",
    schema: onOff,
  },
  previews: {
    env: "LONGCAT_MCP_PREVIEWS",
    help: "pictures in answers: off, on (small) or full (the file where it fits)",
    defaultText: "on",
    schema: oneOf(["off", "on", "full"]),
  },
  prices: {
    env: "LONGCAT_MCP_PRICES",
    help: "prices of image operations that you know better, as JSON: tool name to US dollars",
    defaultText: "the printed ones",
    schema: prices,
  },
  budgetPerDay: {
    env: "LONGCAT_MCP_BUDGET_USD_PER_DAY",
    help: "what jobs may cost in a UTC day, in US dollars",
    defaultText: "no limit",
    schema: dollars,
  },
  budgetPerMonth: {
    env: "LONGCAT_MCP_BUDGET_USD_PER_MONTH",
    help: "what jobs may cost in a UTC month, in US dollars",
    defaultText: "no limit",
    schema: dollars,
  },
  confirmAbove: {
    env: "LONGCAT_MCP_CONFIRM_ABOVE_USD",
    help: "a dearer start is refused unless its max_cost_usd allows it",
    defaultText: "no limit",
    schema: dollars,
  },
  keepJobsDays: {
    env: "LONGCAT_MCP_KEEP_JOBS_DAYS",
    help: "forget ended jobs after so many days, 32 at least, and with them their idempotency keys and share of spending; their files stay",
    defaultText: "never",
    schema: wholeNumber(32, 36_500),
  },
  maxWaitSeconds: {
    env: "LONGCAT_MCP_MAX_WAIT_SECONDS",
    help: "the longest a call may wait for its job; hosts cut calls at 60 s or later",
    defaultText: "45",
    schema: wholeNumber(1, 3600),
  },
  toolsets: {
    env: "LONGCAT_MCP_TOOLSETS",
    help: "which tools to offer: images, chat",
    defaultText: "images,chat",
    schema: toolsets,
  },
  pollFloorMs: {
    env: "LONGCAT_MCP_POLL_FLOOR_MS",
    help: "shrinks every polling time in proportion to 2000 ms; loopback bases only, for tests",
    defaultText: "2000",
    schema: wholeNumber(1, 2000),
  },
  logLevel: {
    env: "LONGCAT_MCP_LOG_LEVEL",
    help: `how much to log on stderr: ${LOG_LEVELS.join(", ")}`,
    defaultText: "warn",
    schema: oneOf(LOG_LEVELS),
  },
  port: {
    env: "LONGCAT_MCP_PORT",
    flag: "port",
    help: "the port to listen on; 0 takes any free one",
    defaultText: "8787 for http, 4010 for sandbox",
    commands: ["http", "sandbox"],
    schema: wholeNumber(0, 65_535),
  },
  host: {
    env: "LONGCAT_MCP_HOST",
    flag: "host",
    help: "the loopback address to listen on",
    defaultText: "127.0.0.1",
    commands: ["http"],
    schema: oneOf(["127.0.0.1", "localhost", "::1"]),
  },
} as const satisfies Record<string, SettingSpec>;

type SettingName = keyof typeof SETTINGS;
type Values = { [N in SettingName]?: z.output<(typeof SETTINGS)[N]["schema"]> };

/** Settings after defaults, as the program uses them. All folders are absolute. */
export interface Settings {
  apiKey: string | undefined;
  baseUrl: string;
  legacyBaseUrl: string;
  chatApiKey: string | undefined;
  chatBaseUrl: string;
  chatModel: string;
  trimHistory: boolean;
  sandbox: boolean;
  sandboxSpeed: number;
  dataDir: string;
  outputDir: string;
  /** What input files and `save_to` may name: output folder, working directory, and what was added. */
  allowedDirs: string[];
  workingDir: string;
  homeDir: string;
  /** Without a trailing slash. */
  publicUrl: string | undefined;
  publicPort: number | undefined;
  shrinkInputs: boolean;
  previews: "off" | "on" | "full";
  prices: PriceList;
  limits: Limits;
  /** After how many days ended jobs are forgotten. */
  keepJobsDays: number | undefined;
  maxWaitSeconds: number;
  toolsets: readonly Toolset[];
  pollFloorMs: number;
  logLevel: (typeof LOG_LEVELS)[number];
  port: number | undefined;
  host: string;
}

export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  flags: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
  workingDir: string;
  /** Reads a small text file. @throws when it cannot. */
  readFile: (path: string) => string;
}

/**
 * Reads flags and environment. An empty value and a literal `${user_config.…}`, which some hosts
 * leave behind, count as unset.
 * @throws {configuration} naming the first wrong setting, never showing a secret's value.
 */
export function readSettings(surroundings: Surroundings): Settings {
  const values = readValues(surroundings);
  const { workingDir, platform, env } = surroundings;
  const homeDir = set(env["HOME"]) ?? set(env["USERPROFILE"]) ?? homedir();
  const folder = (path: string) => expandFolder(path, homeDir, workingDir);
  const sandbox = values.sandbox ?? false;
  const dataRoot = values.dataDir ? folder(values.dataDir) : defaultDataDir(platform, env, homeDir);
  const outputRoot = folder(values.outputDir ?? join(homeDir, "Pictures", "longcat-mcp"));
  const outputDir = sandbox && !values.outputDir ? join(outputRoot, "sandbox") : outputRoot;
  const added = (values.inputDirs ?? "").split(delimiter).filter((path) => path.trim() !== "");
  const cwdIsPrivate = workingDir !== resolve("/") && workingDir !== homeDir;
  const baseUrl = values.baseUrl ?? SETTINGS.baseUrl.defaultText;
  return {
    apiKey: values.apiKey,
    baseUrl,
    legacyBaseUrl: values.legacyBaseUrl ?? SETTINGS.legacyBaseUrl.defaultText,
    chatApiKey: values.chatApiKey,
    chatBaseUrl: values.chatBaseUrl ?? SETTINGS.chatBaseUrl.defaultText,
    chatModel: values.chatModel ?? SETTINGS.chatModel.defaultText,
    trimHistory: values.trimHistory ?? false,
    sandbox,
    sandboxSpeed: values.sandboxSpeed ?? 1,
    dataDir: sandbox ? join(dataRoot, "sandbox") : dataRoot,
    outputDir,
    allowedDirs: [outputDir, ...(cwdIsPrivate ? [workingDir] : []), ...added.map(folder)],
    workingDir,
    homeDir,
    publicUrl: values.publicUrl,
    publicPort: values.publicPort,
    shrinkInputs: values.shrinkInputs ?? false,
    previews: values.previews ?? "on",
    prices: values.prices ?? {},
    limits: {
      perDayUsd: values.budgetPerDay,
      perMonthUsd: values.budgetPerMonth,
      confirmAboveUsd: values.confirmAbove,
    },
    keepJobsDays: values.keepJobsDays,
    maxWaitSeconds: values.maxWaitSeconds ?? 45,
    toolsets: values.toolsets ?? ["images", "chat"],
    pollFloorMs: values.pollFloorMs ?? 2_000,
    logLevel: values.logLevel ?? "warn",
    port: values.port,
    host: values.host ?? "127.0.0.1",
  };
}

function readValues(surroundings: Surroundings): Values {
  const entries = Object.entries(SETTINGS).flatMap(([name, spec]) => {
    const raw = rawValue(spec, surroundings);
    if (raw === undefined) return [];
    const parsed = spec.schema.safeParse(raw.value);
    if (parsed.success) return [[name, parsed.data]];
    const shown = "secret" in spec ? "" : ` (it is "${raw.value}")`;
    const problem = parsed.error.issues[0]?.message ?? "is wrong";
    throw new AppError("configuration", `${raw.source} ${problem}${shown}.`);
  });
  return Object.fromEntries(entries);
}

function rawValue(
  spec: SettingSpec,
  { env, flags, readFile }: Surroundings,
): { value: string; source: string } | undefined {
  const flag = spec.flag === undefined ? undefined : flags[spec.flag];
  if (flag !== undefined) return { value: flag, source: `--${spec.flag}` };
  const value = set(env[spec.env]);
  if (value !== undefined) return { value, source: spec.env };
  const file = spec.secret ? set(env[`${spec.env}_FILE`]) : undefined;
  if (file === undefined) return undefined;
  try {
    const content = readFile(file).trim();
    return content === "" ? undefined : { value: content, source: `${spec.env}_FILE` };
  } catch {
    throw new AppError("configuration", `${spec.env}_FILE names ${file}, which cannot be read.`);
  }
}

function set(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === undefined || trimmed === "" || /^\$\{user_config\.[^}]*\}$/.test(trimmed)
    ? undefined
    : trimmed;
}

function expandFolder(path: string, homeDir: string, workingDir: string): string {
  const expanded = path
    .trim()
    .replace(/^~(?=$|[/\\])/, homeDir)
    .replaceAll(/\$HOME\b|\$\{HOME\}/g, homeDir);
  return isAbsolute(expanded) ? resolve(expanded) : resolve(workingDir, expanded);
}

function defaultDataDir(
  platform: NodeJS.Platform,
  env: Surroundings["env"],
  homeDir: string,
): string {
  if (platform === "darwin") return join(homeDir, "Library", "Application Support", "longcat-mcp");
  if (platform === "win32") {
    return join(set(env["LOCALAPPDATA"]) ?? join(homeDir, "AppData", "Local"), "longcat-mcp");
  }
  return join(set(env["XDG_DATA_HOME"]) ?? join(homeDir, ".local", "share"), "longcat-mcp");
}
