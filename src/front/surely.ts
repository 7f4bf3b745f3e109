import { delimiter } from "node:path";
import { canParseUrl } from "../core/can-parse-url.ts";

/*
 * Whether the program would start, and offer what the prepared answers say. The settings are read
 * by the program, whose rules are many; here stand the plain cases that everybody has. Whatever
 * else is set, the program itself answers from the first word on.
 */

type Environment = Readonly<Record<string, string | undefined>>;

const SWITCH = /^(?:1|0|true|false|yes|no|on|off)$/i;
const ON = /^(?:1|true|yes|on)$/i;
const AMOUNT = /^\d{1,9}(?:\.\d{1,6})?$/;
const KEY = /^[\w.~+/=-]{8,512}$/;
/** Nothing that a host may have left unfilled, no quotes, nothing relative. */
const FOLDER = /^(?:\/|[A-Za-z]:[\\/])[^$%<>{}"'`~\0\n\r]*[^$%<>{}"'`~\s]$/;

/** What surely is right; what is not here, or is something else, may be right as well. */
const PLAIN: Readonly<Record<string, (value: string) => boolean>> = {
  PIXAZO_API_KEY: (value) => KEY.test(value),
  LONGCAT_API_KEY: (value) => KEY.test(value),
  PIXAZO_BASE_URL: isAddress,
  PIXAZO_LEGACY_BASE_URL: isAddress,
  LONGCAT_BASE_URL: isAddress,
  LONGCAT_MCP_SANDBOX: (value) => SWITCH.test(value),
  LONGCAT_MCP_SANDBOX_SPEED: (value) => /^[1-9]\d{0,3}$/.test(value),
  LONGCAT_MCP_DATA_DIR: (value) => FOLDER.test(value),
  LONGCAT_MCP_OUTPUT_DIR: (value) => FOLDER.test(value),
  LONGCAT_MCP_INPUT_DIRS: areFolders,
  LONGCAT_MCP_SAVE_DIRS: (value) => value === "none" || areFolders(value),
  LONGCAT_MCP_KEEP_PROMPTS: (value) => SWITCH.test(value),
  LONGCAT_MCP_SHRINK_INPUTS: (value) => SWITCH.test(value),
  LONGCAT_MCP_TRIM_HISTORY: (value) => SWITCH.test(value),
  LONGCAT_MCP_CODE_CACHE: (value) => SWITCH.test(value),
  LONGCAT_MCP_PREVIEWS: (value) => /^(?:off|on|full)$/i.test(value),
  LONGCAT_MCP_BUDGET_USD_PER_DAY: (value) => AMOUNT.test(value),
  LONGCAT_MCP_BUDGET_USD_PER_MONTH: (value) => AMOUNT.test(value),
  LONGCAT_MCP_CONFIRM_ABOVE_USD: (value) => AMOUNT.test(value),
  LONGCAT_MCP_OPEN_PAGES: (value) => SWITCH.test(value),
  LONGCAT_MCP_LOG_LEVEL: (value) => /^(?:silent|fatal|error|warn|info|debug|trace)$/i.test(value),
  LONGCAT_MCP_POLL_FLOOR_MS: (value) => /^(?:[1-9]\d{0,2}|1\d{3}|2000)$/.test(value),
};

/** What says where compiled code is kept, and whether. */
const OF_THE_PLACE = ["LONGCAT_MCP_DATA_DIR", "LONGCAT_MCP_SANDBOX", "LONGCAT_MCP_CODE_CACHE"];
const SANDBOX_FLAG = "--sandbox";

/** Set by the system or by other programs for everybody; such a proxy is checked by the program. */
const PROXIES = /^(?:https?|all|no)_proxy$/i;

/** Where jobs are, as it is set. */
export interface Place {
  sandbox: boolean;
  /** If it is set. */
  dataDir: string | undefined;
}

/**
 * Where jobs are, if the program surely starts as the prepared answers describe it.
 * @param words what stands after the program's name
 * @returns `undefined` where only the program can tell
 */
export function plainly(env: Environment, words: readonly string[]): Place | undefined {
  const [command, ...flags] = commanded(words);
  const isPlain = command === "stdio" && flags.every((flag) => flag === SANDBOX_FLAG);
  return isPlain && Object.entries(env).every(isPlainVariable) ? placeOf(env, flags) : undefined;
}

/**
 * Where the compiled code of a server is kept: beside its jobs.
 * @returns `undefined` where it is not to be kept, for commands that end, and where only the program
 *   can tell
 */
export function placeOfCode(env: Environment, words: readonly string[]): Place | undefined {
  const [command = "", ...flags] = commanded(words);
  const isServer = command === "stdio" || command === "http";
  const isSaid = flags.some(
    (flag) => flag !== SANDBOX_FLAG && /^--(?:sandbox|data-dir)/.test(flag),
  );
  if (!isServer || isSaid || !OF_THE_PLACE.every((name) => isPlainVariable([name, env[name]]))) {
    return undefined;
  }
  return env["LONGCAT_MCP_CODE_CACHE"] && !isOn(env, "LONGCAT_MCP_CODE_CACHE")
    ? undefined
    : placeOf(env, flags);
}

function commanded(words: readonly string[]): readonly string[] {
  const [first] = words;
  return first === undefined || first.startsWith("-") ? ["stdio", ...words] : words;
}

function placeOf(env: Environment, flags: readonly string[]): Place {
  return {
    sandbox: flags.includes(SANDBOX_FLAG) || isOn(env, "LONGCAT_MCP_SANDBOX"),
    dataDir: env["LONGCAT_MCP_DATA_DIR"] || undefined,
  };
}

function isOn(env: Environment, name: string): boolean {
  return ON.test(env[name] ?? "");
}

function isPlainVariable([name, value]: [string, string | undefined]): boolean {
  if (!value) return true;
  const plain = Object.hasOwn(PLAIN, name) ? PLAIN[name] : undefined;
  return plain ? plain(value) : !PROXIES.test(name) && !mayMeanOurs(name);
}

/**
 * Whether a name could be one of ours, misspelt: that ends the program, and is for it to say. Two
 * slips leave at least one of the three parts of our prefix whole.
 */
function mayMeanOurs(name: string): boolean {
  const letters = name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");
  if (/LONGCAT|PIXAZO/.test(letters)) return true;
  return letters.length >= 12 && letters.length <= 32 && /LONG|CAT|MCP/.test(letters);
}

function areFolders(value: string): boolean {
  return value.split(delimiter).every((part) => FOLDER.test(part));
}

function isAddress(value: string): boolean {
  return /^https?:\/\/[a-z\d.-]+(?::\d{1,5})?(?:\/[\w./-]*)?$/i.test(value) && canParseUrl(value);
}
