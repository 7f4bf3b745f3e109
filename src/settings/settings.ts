import { join } from "node:path";
import { AppError } from "../core/errors.ts";
import { SANDBOX_FOLDER } from "../core/folder-names.ts";
import { isLocalHost, isLoopbackHost } from "../core/host-addresses.ts";
import type { LOG_LEVELS } from "../core/log.ts";
import type { Limits, PriceList } from "../core/money.ts";
import { isPrivatePlace, systemHome } from "../core/private-places.ts";
import { type Program, quoted } from "../core/program.ts";
import type { ProxySettings } from "../core/proxy-settings.ts";
import { type Buckets, bucketsOf } from "./bucket-settings.ts";
import { defaultDataDir, expandFolder, homeOf, missingFolder, OUTPUT_FOLDER } from "./folders.ts";
import type { Toolset } from "./forms.ts";
import { misnamed, strayKey } from "./misnamed.ts";
import { readProxies } from "./proxies.ts";
import { cleanValue } from "./raw.ts";
import { SETTINGS } from "./specs.ts";
import { userFolders } from "./user-folders.ts";
import { readValues, type Surroundings } from "./values.ts";

/** Settings after defaults, as the program uses them. All folders are absolute. */
export interface Settings extends Buckets {
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
  /** Where jobs are recorded instead of in the data folder; the sandbox has tables of its own. */
  database: { url: string; prepares: boolean; schema: string } | undefined;
  outputDir: string;
  /**
   * What input files and `save_to` may name: output folder and working directory, unless they are
   * private places, and what was added.
   */
  allowedDirs: string[];
  /** Where finished files may be saved as well, though nothing is read there. */
  saveDirs: string[];
  workingDir: string;
  homeDir: string;
  /** Without a trailing slash. */
  publicUrl: string | undefined;
  publicPort: number | undefined;
  /** The most that may be hosted at a time. */
  hostedBytes: number;
  /** What callers elsewhere may upload, and for how long. */
  uploads: { bytes: number; archiveBytes: number; minutes: number };
  /** How long links to finished files last. */
  linkHours: number;
  /** Whether jobs that are over still tell what was asked, and files are named by it. */
  keepPrompts: boolean;
  shrinkInputs: boolean;
  previews: "off" | "on" | "full";
  prices: PriceList;
  limits: Limits;
  /** Has a folder for each user with keys of their own; all share one key where it is absent. */
  keysDir: string | undefined;
  userLimits: UserLimits;
  /** After how many days ended jobs are forgotten. */
  keepJobsDays: number | undefined;
  maxWaitSeconds: number;
  /** How long somebody who is asked may take to answer. */
  questionSeconds: number;
  /** Whether pages are opened in the browser of whoever sits at this machine. */
  openPages: boolean;
  toolsets: readonly Toolset[];
  pollFloorMs: number;
  logLevel: (typeof LOG_LEVELS)[number];
  /** Whether clients of earlier revisions keep sessions over HTTP. */
  sessions: boolean;
  /** Where Prometheus asks; nowhere when absent. */
  metricsPort: number | undefined;
  drainSeconds: number;
  port: number | undefined;
  host: string;
  /** Whose logins are taken over HTTP, and for which address of ours they are made. */
  oauth: { issuer: string; audience: string } | undefined;
  /** What stands in front of the server over HTTP. */
  front: { hosts: string[]; origins: string[]; proxies: string[] };
  proxies: ProxySettings;
  /** Of a key that is not set: which variable may have been meant as it, in a sentence. */
  strayKeys: { apiKey: string | undefined; chatApiKey: string | undefined };
  /** How this user starts the program again, with the same jobs. */
  program: Program;
}

/** What each user of several may have at a time. */
export interface UserLimits {
  runningJobs: number | undefined;
  requestsPerMinute: number | undefined;
  waits: number;
  streams: number;
  /** Of requests that are being answered. */
  bodyBytes: number;
  hostedBytes: number | undefined;
  keptBytes: number | undefined;
}

/** Settings, and what is to be said of them. */
export interface SettingsCheck {
  /** Without what is wrong. */
  settings: Settings;
  /** What is wrong, a sentence each; the program must not go on with any. */
  problems: string[];
  /** What is to be told once, a sentence each. */
  notes: string[];
}

/**
 * The settings, if nothing is wrong with them.
 * @throws {configuration} naming what is wrong, never showing a secret's value.
 */
export function soundSettings({ settings, problems }: SettingsCheck): Settings {
  const [first, ...others] = problems;
  if (first === undefined) return settings;
  const more = others.length === 0 ? "" : ` (and ${others.length} more: \`longcat-mcp doctor\`)`;
  throw new AppError("configuration", first + more);
}

/** {@link checkSettings}, where anything wrong is an error. @throws {configuration} */
export function readSettings(surroundings: Surroundings): Settings {
  return soundSettings(checkSettings(surroundings));
}

/**
 * Reads flags and environment. An empty value and a literal `${user_config.…}`, which a bundle
 * leaves behind, count as unset.
 */
export function checkSettings(surroundings: Surroundings): SettingsCheck {
  const { values, problems, notes } = readValues(surroundings);
  const { workingDir, platform, env, isFolder = () => true } = surroundings;
  const homeDir = homeOf(env);
  const folder = (path: string) => expandFolder(path, homeDir, workingDir);
  const { sandbox, baseUrl } = values;
  const dataRoot = values.dataDir ? folder(values.dataDir) : defaultDataDir(platform, env, homeDir);
  const outputRoot = folder(values.outputDir ?? join(homeDir, ...OUTPUT_FOLDER));
  const outputDir = sandbox && !values.outputDir ? join(outputRoot, SANDBOX_FOLDER) : outputRoot;
  const added = (values.inputDirs ?? []).map(folder);
  notes.push(
    ...added
      .filter((path) => !isFolder(path))
      .map((path) => missingFolder(SETTINGS.inputDirs.env, path)),
  );
  const keysDir = values.keysDir === undefined ? undefined : folder(values.keysDir);
  if (keysDir !== undefined && !isFolder(keysDir)) {
    notes.push(missingFolder(SETTINGS.keysDir.env, keysDir));
  }
  const homes = [homeDir, ...[cleanValue(env["USERPROFILE"]) ?? []].flat(), ...systemHome()];
  const byDefault = [outputDir, workingDir].filter((path) => !isPrivatePlace(path, homes));
  const savedIn = values.saveDirs?.map(folder);
  notes.push(
    ...(savedIn ?? [])
      .filter((path) => !isFolder(path))
      .map((path) => missingFolder(SETTINGS.saveDirs.env, path)),
  );
  const saveDirs =
    savedIn ??
    userFolders(surroundings, homeDir).filter(
      (path) => isFolder(path) && !isPrivatePlace(path, homes),
    );
  problems.push(...misnamed(env, platform));
  const publicProblem = publicUrlProblem(values.publicUrl, sandbox ? undefined : baseUrl);
  if (publicProblem) problems.push(publicProblem);
  if ((values.oauthIssuer === undefined) !== (values.oauthAudience === undefined)) {
    problems.push(
      `${SETTINGS.oauthIssuer.env} and ${SETTINGS.oauthAudience.env} belong together: set both, or neither.`,
    );
  }
  const { problems: ofBuckets, ...buckets } = bucketsOf(
    values,
    sandbox ? SANDBOX_FOLDER : undefined,
  );
  problems.push(...ofBuckets);
  const { proxies, problems: ofProxies } = readProxies(env);
  if (!surroundings.isOffline) problems.push(...ofProxies);
  const stray = (key: string | undefined, name: string) =>
    key === undefined ? strayKey(name, env, platform) : undefined;
  const settings: Settings = {
    apiKey: values.apiKey,
    baseUrl,
    legacyBaseUrl: values.legacyBaseUrl,
    chatApiKey: values.chatApiKey,
    chatBaseUrl: values.chatBaseUrl,
    chatModel: values.chatModel,
    trimHistory: values.trimHistory,
    sandbox,
    sandboxSpeed: values.sandboxSpeed,
    dataDir: sandbox ? join(dataRoot, SANDBOX_FOLDER) : dataRoot,
    database:
      values.databaseUrl === undefined
        ? undefined
        : {
            url: values.databaseUrl,
            prepares: values.databasePrepare,
            schema: sandbox ? "longcat_mcp_sandbox" : "longcat_mcp",
          },
    outputDir,
    ...buckets,
    allowedDirs: [...byDefault, ...added],
    saveDirs,
    workingDir,
    homeDir,
    publicUrl: values.publicUrl,
    publicPort: values.publicPort,
    hostedBytes: values.hostedBytes,
    uploads: {
      bytes: values.uploadBytes,
      archiveBytes: values.uploadArchiveBytes,
      minutes: values.uploadMinutes,
    },
    linkHours: values.linkHours,
    keepPrompts: values.keepPrompts,
    shrinkInputs: values.shrinkInputs,
    previews: values.previews,
    prices: values.prices ?? {},
    limits: {
      perDayUsd: values.budgetPerDay,
      perMonthUsd: values.budgetPerMonth,
      confirmAboveUsd: values.confirmAbove,
    },
    keysDir,
    userLimits: {
      runningJobs: values.maxRunningJobsPerUser,
      requestsPerMinute: values.requestsPerMinutePerUser,
      waits: values.maxWaitsPerUser,
      streams: values.maxStreamsPerUser,
      bodyBytes: values.bodyBytesPerUser,
      hostedBytes: values.hostedBytesPerUser,
      keptBytes: values.keptBytesPerUser,
    },
    keepJobsDays: values.keepJobsDays,
    questionSeconds: values.questionSeconds,
    openPages: values.openPages,
    maxWaitSeconds: values.maxWaitSeconds,
    toolsets: values.toolsets,
    pollFloorMs: values.pollFloorMs,
    logLevel: values.logLevel,
    sessions: values.sessions,
    metricsPort: values.metricsPort,
    drainSeconds: values.drainSeconds,
    port: values.port,
    host: values.host,
    oauth:
      values.oauthIssuer && values.oauthAudience
        ? { issuer: values.oauthIssuer, audience: values.oauthAudience }
        : undefined,
    front: {
      hosts: values.allowedHosts ?? [],
      origins: values.allowedOrigins ?? [],
      proxies: values.trustedProxies ?? [],
    },
    program: {
      start: surroundings.start ?? "longcat-mcp",
      options: [
        ...(sandbox ? [`--${SETTINGS.sandbox.flag}`] : []),
        ...(values.dataDir ? [`--${SETTINGS.dataDir.flag}`, quoted(dataRoot, platform)] : []),
      ],
    },
    proxies,
    strayKeys: {
      apiKey: stray(values.apiKey, SETTINGS.apiKey.env),
      chatApiKey: stray(values.chatApiKey, SETTINGS.chatApiKey.env),
    },
  };
  return { settings, problems, notes };
}

/** A provider elsewhere cannot fetch files from an address that only this machine or network sees. */
function publicUrlProblem(
  publicUrl: string | undefined,
  gateway: string | undefined,
): string | undefined {
  if (publicUrl === undefined) return undefined;
  const { protocol, hostname } = new URL(publicUrl);
  const isFar = gateway !== undefined && !isLoopbackHost(new URL(gateway).hostname);
  if (isFar && isLocalHost(hostname)) {
    return `${SETTINGS.publicUrl.env} must be an address that the provider can reach; ${publicUrl} is seen by this machine or network only.`;
  }
  if (protocol === "https:" || isLoopbackHost(hostname)) return undefined;
  return `${SETTINGS.publicUrl.env} must be an https address: what the provider fetches there, and how it calls back, is nobody else's to read; http is allowed on this machine only.`;
}
