import { homedir } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import type * as z from "zod";
import { AppError } from "../core/errors.ts";
import type { LOG_LEVELS } from "../core/log.ts";
import type { Limits, PriceList } from "../core/money.ts";
import { isPrivatePlace, systemHome } from "../core/private-places.ts";
import { type Program, quoted } from "../core/program.ts";
import type { Toolset } from "./forms.ts";
import { SETTINGS, type SettingSpec } from "./specs.ts";

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
  /**
   * What input files and `save_to` may name: output folder and working directory, unless they are
   * private places, and what was added.
   */
  allowedDirs: string[];
  workingDir: string;
  homeDir: string;
  /** Without a trailing slash. */
  publicUrl: string | undefined;
  publicPort: number | undefined;
  /** The most that may be hosted at a time. */
  hostedBytes: number;
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
  /** How this user starts the program again, with the same jobs. */
  program: Program;
}

export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  flags: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
  workingDir: string;
  /** The words that start this program. */
  start?: string;
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
  const homes = [homeDir, ...[set(env["USERPROFILE"]) ?? []].flat(), ...systemHome()];
  const byDefault = [outputDir, workingDir].filter((path) => !isPrivatePlace(path, homes));
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
    allowedDirs: [...byDefault, ...added.map(folder)],
    workingDir,
    homeDir,
    publicUrl: values.publicUrl,
    publicPort: values.publicPort,
    hostedBytes: values.hostedBytes ?? Number(SETTINGS.hostedBytes.defaultText),
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
    program: {
      start: surroundings.start ?? "longcat-mcp",
      options: [
        ...(sandbox ? [`--${SETTINGS.sandbox.flag}`] : []),
        ...(values.dataDir ? [`--${SETTINGS.dataDir.flag}`, quoted(dataRoot, platform)] : []),
      ],
    },
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
