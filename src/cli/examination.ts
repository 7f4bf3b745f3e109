import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { toAppError } from "../core/errors.ts";
import { DATABASE_FILE } from "../core/folder-names.ts";
import { isLocalHost, isLoopbackHost } from "../core/host-addresses.ts";
import { refuseMoved } from "../core/moved-mark.ts";
import { runnable } from "../core/program.ts";
import { createRedact } from "../core/redact.ts";
import { SERVICE_KEYS } from "../core/service-keys.ts";
import { oneLine } from "../core/text.ts";
import type { HostPlace } from "../hosts/hosts.ts";
import type { Settings, SettingsCheck } from "../settings/settings.ts";
import { secretsOf } from "./secrets.ts";

export interface ExaminationOptions {
  write: (text: string) => void;
  nodeVersion: string;
  /** Where hosts are looked for. */
  place: HostPlace;
  /** Whether the provider may be asked. */
  online: boolean;
}

interface Finding {
  level: "ok" | "note" | "FAIL";
  name: string;
  detail: string;
}

/**
 * Looks at what the server needs and names everything that is wrong. Nothing is changed on disk,
 * and nothing is sent to the provider unless that is wanted.
 * @returns the exit code: 0 when nothing is wrong, 1 otherwise.
 */
export async function examine(
  { settings, problems, notes }: SettingsCheck,
  { write, nodeVersion, place, online }: ExaminationOptions,
): Promise<number> {
  const redact = createRedact(secretsOf(settings));
  const findings: Finding[] = [
    ...problems.map((detail): Finding => ({ level: "FAIL", name: "setting", detail })),
    ...notes.map((detail): Finding => ({ level: "note", name: "setting", detail })),
    { level: "ok", name: "Node", detail: nodeVersion },
    await check("output folder", () => usableFolder(settings.outputDir)),
    ...(await buckets(settings)),
    await check("data folder", () => usableFolder(settings.dataDir)),
    { level: "ok", name: "saving", detail: savePlaces(settings) },
    await check("job database", () => jobDatabase(settings)),
    await check("pictures", async () => {
      const { default: sharp } = await import("sharp");
      const picture = sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } });
      await picture.jpeg().toBuffer();
      return `sharp ${sharp.versions.sharp}`;
    }),
    imageKey(settings),
    await chatKey(settings, online),
    gateway(settings),
    ...proxies(settings),
    await hosts(place),
  ];
  for (const { level, name, detail } of findings) {
    const shown = oneLine(runnable(redact(detail), settings.program));
    write(`${level.padEnd(4)}  ${name.padEnd(16)} ${shown}\n`);
  }
  return findings.some(({ level }) => level === "FAIL") ? 1 : 0;
}

/** Whether the buckets that are set are there, take the keys, and are found by the provider. */
async function buckets(settings: Settings): Promise<Finding[]> {
  const { hostingBucket, sandbox, baseUrl } = settings;
  if (!hostingBucket) return [];
  const { lookAtBuckets } = await import("./bucket-check.ts");
  const found = (await lookAtBuckets(settings, createRedact(secretsOf(settings)))).map(
    ({ shown, problem }): Finding => ({
      level: problem === undefined ? "ok" : "FAIL",
      name: "bucket",
      detail: `${shown}: ${problem ?? "answers"}`,
    }),
  );
  const { hostname, origin } = new URL(hostingBucket.address.publicEndpoint);
  const isNear = sandbox || isLoopbackHost(new URL(baseUrl).hostname);
  if (isNear || !isLocalHost(hostname)) return found;
  const detail = `${origin} is seen by this machine or network only, so that the provider can fetch no local files there; add public_endpoint=`;
  return [...found, { level: "note", name: "bucket", detail }];
}

/** Where finished files may be saved; nothing is read in the last ones. */
function savePlaces({ allowedDirs, saveDirs }: Settings): string {
  const list = (folders: readonly string[]) =>
    folders.map((folder) => oneLine(folder, MAX_PATH)).join(", ");
  const own = saveDirs.length === 0 ? "" : `; without being read: ${list(saveDirs)}`;
  return `${allowedDirs.length === 0 ? "no folder" : list(allowedDirs)}${own}`;
}

function imageKey({ apiKey, chatApiKey, sandbox, strayKeys, toolsets }: Settings): Finding {
  const name = SERVICE_KEYS.apiKey.env;
  if (apiKey !== undefined) return { level: "ok", name, detail: "set" };
  if (sandbox) return { level: "ok", name, detail: "not set, and not needed by the sandbox" };
  // Someone who only chats needs no key for pictures.
  const isNeeded = chatApiKey === undefined && toolsets.includes("images");
  const why = strayKeys.apiKey ?? "not set:";
  return {
    level: isNeeded ? "FAIL" : "note",
    name,
    detail: `${why} image tools will refuse; \`longcat-mcp --sandbox\` works without`,
  };
}

/** Where it may, asks for the list of models: free, and refused without a valid key. */
async function chatKey(settings: Settings, online: boolean): Promise<Finding> {
  const name = SERVICE_KEYS.chatApiKey.env;
  const { chatApiKey, apiKey, sandbox, strayKeys, toolsets } = settings;
  if (sandbox) return { level: "ok", name, detail: "not needed by the sandbox" };
  if (chatApiKey === undefined) {
    const isNeeded = apiKey === undefined && !toolsets.includes("images");
    return {
      level: isNeeded ? "FAIL" : "note",
      name,
      detail: `${strayKeys.chatApiKey ?? "not set:"} chat tools will refuse`,
    };
  }
  if (!online) {
    return {
      level: "ok",
      name,
      detail: "set; `longcat-mcp doctor --online` asks whether it is valid",
    };
  }
  return check(name, async () => {
    const { HttpClient } = await import("../gateway/http-client.ts");
    const { LongcatClient } = await import("../gateway/longcat.ts");
    const http = new HttpClient(settings.proxies);
    try {
      const client = new LongcatClient({
        http,
        clock: systemClock,
        baseUrl: settings.chatBaseUrl,
        apiKey: () => chatApiKey,
        redact: createRedact([chatApiKey]),
      });
      const models = await client.models("openai");
      return `accepted by ${settings.chatBaseUrl}, ${models.length} models`;
    } finally {
      await http.close();
    }
  });
}

function gateway({ sandbox, baseUrl }: Settings): Finding {
  return { level: "ok", name: "image gateway", detail: sandbox ? "sandbox" : baseUrl };
}

function proxies({ sandbox, proxies: { httpProxy, httpsProxy, noProxy } }: Settings): Finding[] {
  const used = [...new Set([httpsProxy, httpProxy])].filter((one) => one !== undefined);
  if (sandbox || used.length === 0) return [];
  const shown = used.map((address) => new URL(address).host).join(" and ");
  const except = noProxy ? `, but not for ${noProxy}` : "";
  return [{ level: "ok", name: "proxy", detail: `${shown}${except}` }];
}

/** Which hosts have this server; what is wrong with one is said, and is no fault of the server. */
async function hosts(place: HostPlace): Promise<Finding> {
  const { findHosts } = await import("./host-list.ts");
  const { found, problems } = await findHosts(place);
  const none = "none that is known has this server; `longcat-mcp install HOST` adds it";
  const detail = [found.length === 0 ? none : found.join(", "), ...problems].join("; ");
  return { level: problems.length > 0 ? "note" : "ok", name: "hosts", detail };
}

/** The most characters of a path: what is said of it has to fit on its line. */
const MAX_PATH = 200;

/** Kernels' views of themselves: folders in which nobody can make a file, whatever they allow. */
const VIEWS = [0x9fa0, 0x62656572];

/** A folder that is there and can be written, or can be made. */
async function usableFolder(path: string): Promise<string> {
  const there = await nearestThere(path);
  if (!(await stat(there)).isDirectory())
    throw new Wrong(`${oneLine(there, MAX_PATH)} is not a folder`);
  const unwritable = new Wrong(
    `${oneLine(path, MAX_PATH)} cannot be ${there === path ? "written" : "made"}`,
  );
  await access(there, constants.R_OK | constants.W_OK | constants.X_OK).catch(() => {
    throw unwritable;
  });
  if (VIEWS.includes((await statfs(there)).type)) throw unwritable;
  return there === path ? path : `${oneLine(path, MAX_PATH)}, which is made when it is needed`;
}

async function nearestThere(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if ((code === "ENOENT" || code === "ENOTDIR") && dirname(path) !== path)
      return nearestThere(dirname(path));
    throw error;
  }
}

/** Where jobs are recorded. */
async function jobDatabase({ database: onServer, dataDir }: Settings): Promise<string> {
  if (!onServer) {
    refuseMoved(dataDir);
    return database(join(dataDir, DATABASE_FILE));
  }
  const { lookAt } = await import("../storage/postgres/looking-at.ts");
  return lookAt(onServer, systemClock);
}

/** The job database, as far as it can be judged without opening it. */
async function database(path: string): Promise<string> {
  const { judgeDatabase } = await import("../storage/sqlite/judgement.ts");
  if (await isMissing(path)) {
    await judgeDatabase(undefined);
    return `${oneLine(path, MAX_PATH)}, which is made when it is needed`;
  }
  const problem = await judgeDatabase(path);
  if (problem !== undefined) throw new Wrong(`${oneLine(path, MAX_PATH)} ${problem}`);
  return path;
}

async function isMissing(path: string): Promise<boolean> {
  return (await nearestThere(path)) !== path;
}

/** Something found wrong, in words. */
class Wrong extends Error {
  override readonly name = "Wrong";
}

async function check(name: string, run: () => Promise<string>): Promise<Finding> {
  try {
    return { level: "ok", name, detail: await run() };
  } catch (thrown) {
    const error = toAppError(thrown);
    const cause = thrown instanceof Error ? thrown.message : "";
    return { level: "FAIL", name, detail: error.code === "internal" ? cause : error.message };
  }
}
