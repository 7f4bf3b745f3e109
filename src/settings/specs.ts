import type * as z from "zod";
import { LOG_LEVELS } from "../core/log.ts";
import { SERVICE_KEYS } from "../core/service-keys.ts";
import { MAX_INLINE_BYTES, POLL_FLOOR_MS } from "../models/limits.ts";
import { ACCESS } from "./access-settings.ts";
import { chatBase, gatewayBase, legacyBase } from "./base-urls.ts";
import { BUCKETS } from "./bucket-settings.ts";
import { type Command, DEFAULT_PORTS } from "./commands.ts";
import { DATABASE } from "./database-settings.ts";
import { OUTPUT_FOLDER } from "./folders.ts";
import {
  folders,
  foldersOrNone,
  key,
  oneOf,
  onOff,
  positiveNumber,
  text,
  toolsets,
  wholeNumber,
} from "./forms.ts";
import { MONEY } from "./money-settings.ts";
import { PUBLIC } from "./public-settings.ts";
import { USER_LIMITS } from "./user-limits.ts";

/** The most that polling can be slowed down for tests, in milliseconds. */
const MAX_POLL_FLOOR_MS = 3_600_000;

/*
 * Every setting: its variable, its flag where it has one, its default and one line of help. The
 * `--help` text, docs/settings.md, the bundle's manifest and the registry's entry are made from this
 * table; what belongs together has a file of its own, from which it comes here.
 */

interface SettingFacts {
  /** Environment variable. */
  env: string;
  /** Command-line flag that does the same, without dashes. */
  flag?: string;
  help: string;
  secret?: boolean;
  /** A folder, or several: where its host left it unfilled it counts as unset, as a key does. */
  folder?: "one" | "several";
  /** Whether money is less safe without it: then not even a name like it is overlooked. */
  guardsMoney?: boolean;
  /** Variables without any of which nobody reads it here, whatever it is to other programs. */
  onlyWith?: readonly string[];
  /** Which commands read it; all when absent. */
  commands?: readonly Command[];
  schema: z.ZodType<unknown, string>;
}

export type SettingSpec = SettingFacts &
  (
    | {
        /** What holds where nothing is set, written as one would set it: it is shown, and read. */
        default: string;
        unset?: never;
      }
    | {
        /** What happens where nothing is set, in words. */
        unset: string;
        default?: never;
      }
  );

/** What documents show where nothing is set. */
export function shownDefault(spec: SettingSpec): string {
  return spec.default === undefined ? spec.unset : spec.default;
}

const NO_KEY = "unset: calls say so, the sandbox needs none";

export const SETTINGS = {
  apiKey: {
    env: SERVICE_KEYS.apiKey.env,
    help: `key of the Pixazo image gateway; or ${SERVICE_KEYS.apiKey.env}_FILE`,
    unset: NO_KEY,
    secret: true,
    schema: key,
  },
  chatApiKey: {
    env: SERVICE_KEYS.chatApiKey.env,
    help: `key of the LongCat chat platform; or ${SERVICE_KEYS.chatApiKey.env}_FILE`,
    unset: NO_KEY,
    secret: true,
    schema: key,
  },
  baseUrl: {
    env: "PIXAZO_BASE_URL",
    help: "the image gateway",
    default: "https://gateway.pixazo.ai",
    schema: gatewayBase,
  },
  legacyBaseUrl: {
    env: "PIXAZO_LEGACY_BASE_URL",
    help: "the older LongCat-Image status endpoint",
    default: "https://gateway-falai-automate.appypie.workers.dev",
    schema: legacyBase,
  },
  chatBaseUrl: {
    env: "LONGCAT_BASE_URL",
    help: "the chat platform, with or without /openai, /openai/v1 or /anthropic",
    default: "https://api.longcat.chat",
    schema: chatBase,
  },
  chatModel: {
    env: "LONGCAT_MCP_CHAT_MODEL",
    help: "the model that longcat_chat asks unless it is told another",
    default: "LongCat-2.0-Preview",
    schema: text,
  },
  trimHistory: {
    env: "LONGCAT_MCP_TRIM_HISTORY",
    help: "leave out a thread's oldest turns where they no longer fit; off: refuse and say so",
    default: "off",
    schema: onOff,
  },
  sandbox: {
    env: "LONGCAT_MCP_SANDBOX",
    guardsMoney: true,
    flag: "sandbox",
    help: "use the built-in imitation of the provider: no key, no network, no cost",
    default: "off",
    schema: onOff,
  },
  sandboxSpeed: {
    env: "LONGCAT_MCP_SANDBOX_SPEED",
    flag: "sandbox-speed",
    help: "divides the sandbox's times, which are a second or two",
    default: "1",
    schema: positiveNumber,
  },
  dataDir: {
    env: "LONGCAT_MCP_DATA_DIR",
    folder: "one",
    flag: "data-dir",
    help: "where the job database lives",
    unset: "the platform's folder for application data",
    schema: text,
  },
  ...DATABASE,
  outputDir: {
    env: "LONGCAT_MCP_OUTPUT_DIR",
    folder: "one",
    help: "where finished files are kept",
    unset: `${OUTPUT_FOLDER.join("/")} in the home folder`,
    schema: text,
  },
  ...BUCKETS,
  inputDirs: {
    env: "LONGCAT_MCP_INPUT_DIRS",
    folder: "several",
    help: "further folders for input files and save_to, separated by the platform's path delimiter",
    unset: "the output folder and the working directory",
    schema: folders,
  },
  saveDirs: {
    env: "LONGCAT_MCP_SAVE_DIRS",
    folder: "several",
    help: "folders that finished files may be saved in, though nothing is read there, separated like the others; none: no such folder",
    unset: "the user's Desktop, Downloads and Pictures",
    schema: foldersOrNone,
  },
  ...PUBLIC,
  shrinkInputs: {
    env: "LONGCAT_MCP_SHRINK_INPUTS",
    help: `make pictures smaller that are too large (${MAX_INLINE_BYTES / 1_000_000} MB) to be sent inside a request; off: refuse them`,
    default: "on",
    schema: onOff,
  },
  previews: {
    env: "LONGCAT_MCP_PREVIEWS",
    help: "pictures in answers: off, on (small) or full (the file where it fits)",
    default: "on",
    schema: oneOf(["off", "on", "full"]),
  },
  ...MONEY,
  questionSeconds: {
    env: "LONGCAT_MCP_QUESTION_SECONDS",
    help: "how long a question to the user waits for its answer",
    default: "300",
    commands: ["stdio", "http"],
    schema: wholeNumber(1, 3600),
  },
  openPages: {
    env: "LONGCAT_MCP_OPEN_PAGES",
    help: "open a page in your browser where only you can say something, as whether a job in doubt was charged, and the client lets nobody be asked",
    default: "on",
    commands: ["stdio"],
    schema: onOff,
  },
  ...USER_LIMITS,
  keepJobsDays: {
    env: "LONGCAT_MCP_KEEP_JOBS_DAYS",
    help: "forget ended jobs after so many days, 32 at least, and with them their idempotency keys and share of spending; their files stay",
    unset: "never",
    schema: wholeNumber(32, 36_500),
  },
  keepPrompts: {
    env: "LONGCAT_MCP_KEEP_PROMPTS",
    help: "off: forget what a picture was asked for as soon as its job is over, and name files without words; threads stay until they are deleted",
    default: "on",
    schema: onOff,
  },
  maxWaitSeconds: {
    env: "LONGCAT_MCP_MAX_WAIT_SECONDS",
    help: "the longest a call may wait for its job; hosts cut calls at 60 s or later",
    default: "45",
    schema: wholeNumber(1, 3600),
  },
  toolsets: {
    env: "LONGCAT_MCP_TOOLSETS",
    help: "which tools to offer: images, chat",
    default: "images,chat",
    schema: toolsets,
  },
  pollFloorMs: {
    env: "LONGCAT_MCP_POLL_FLOOR_MS",
    help: `scales every polling time in proportion to ${POLL_FLOOR_MS} ms; loopback bases only, for tests`,
    default: String(POLL_FLOOR_MS),
    schema: wholeNumber(1, MAX_POLL_FLOOR_MS),
  },
  logLevel: {
    env: "LONGCAT_MCP_LOG_LEVEL",
    help: `how much to log on stderr: ${LOG_LEVELS.join(", ")}`,
    default: "warn",
    schema: oneOf(LOG_LEVELS),
  },
  codeCache: {
    env: "LONGCAT_MCP_CODE_CACHE",
    help: "keep compiled code in the data folder, for faster starts",
    default: "on",
    commands: ["stdio", "http"],
    schema: onOff,
  },
  sessions: {
    env: "LONGCAT_MCP_SESSIONS",
    help: "on: clients of revisions before 2026-07-28 keep a session over HTTP, in which they are told of news and asked questions",
    default: "off",
    commands: ["http"],
    schema: onOff,
  },
  metricsPort: {
    env: "LONGCAT_MCP_METRICS_PORT",
    help: "the loopback port for Prometheus at /metrics; never lead a tunnel there",
    unset: "unset: no metrics",
    commands: ["http"],
    schema: wholeNumber(1, 65_535),
  },
  drainSeconds: {
    env: "LONGCAT_MCP_DRAIN_SECONDS",
    help: "how long what is in flight may still take when the server is asked to end",
    default: "25",
    commands: ["http"],
    schema: wholeNumber(0, 3600),
  },
  port: {
    env: "LONGCAT_MCP_PORT",
    flag: "port",
    help: "the port to listen on; 0 takes any free one",
    unset: `${DEFAULT_PORTS.http} for http, ${DEFAULT_PORTS.sandbox} for sandbox, any free one for gallery`,
    commands: ["http", "sandbox", "gallery"],
    schema: wholeNumber(0, 65_535),
  },
  ...ACCESS,
} as const satisfies Record<string, SettingSpec>;
