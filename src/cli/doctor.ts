import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { systemClock } from "../core/clock.ts";
import { toAppError } from "../core/errors.ts";
import { createRedact } from "../core/redact.ts";
import type { ProxySettings } from "../gateway/http.ts";
import type { Settings } from "../settings/settings.ts";

export interface DoctorSurroundings {
  write: (text: string) => void;
  nodeVersion: string;
  proxies: ProxySettings;
}

interface Finding {
  ok: boolean;
  name: string;
  detail: string;
}

/**
 * Checks what the server needs, without buying or sending anything.
 * @returns the exit code: 0 when all is well, 1 otherwise.
 */
export async function runDoctor(
  settings: Settings,
  { write, nodeVersion, proxies }: DoctorSurroundings,
): Promise<number> {
  const findings: Finding[] = [
    { ok: true, name: "Node", detail: nodeVersion },
    await folder("output folder", settings.outputDir),
    await check("job database", async () => {
      const { SqliteJobStore } = await import("../jobs/sqlite.ts");
      await new SqliteJobStore(settings.dataDir).close();
      return settings.dataDir;
    }),
    await check("pictures", async () => {
      const { default: sharp } = await import("sharp");
      const picture = sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } });
      await picture.webp().toBuffer();
      return `sharp ${sharp.versions.sharp}`;
    }),
    {
      // Someone who only chats needs no key for pictures.
      ok: settings.sandbox || (settings.apiKey ?? settings.chatApiKey) !== undefined,
      name: "PIXAZO_API_KEY",
      detail: settings.apiKey
        ? "set"
        : settings.sandbox
          ? "not set, and not needed by the sandbox"
          : "not set: image tools will refuse; --sandbox works without",
    },
    await chatKey(settings, proxies),
    { ok: true, name: "image gateway", detail: settings.sandbox ? "sandbox" : settings.baseUrl },
  ];
  for (const { ok, name, detail } of findings) {
    write(`${ok ? "ok  " : "FAIL"}  ${name.padEnd(16)} ${detail}\n`);
  }
  return findings.every(({ ok }) => ok) ? 0 : 1;
}

/** Asks for the list of models: free, and refused without a valid key. */
async function chatKey(settings: Settings, proxies: ProxySettings): Promise<Finding> {
  const name = "LONGCAT_API_KEY";
  if (settings.sandbox) return { ok: true, name, detail: "not needed by the sandbox" };
  if (settings.chatApiKey === undefined) {
    return { ok: true, name, detail: "not set: chat tools will refuse; --sandbox works without" };
  }
  return check(name, async () => {
    const { HttpDoor } = await import("../gateway/http.ts");
    const { LongcatClient } = await import("../gateway/longcat.ts");
    const http = new HttpDoor(proxies);
    try {
      const client = new LongcatClient({
        http,
        clock: systemClock,
        baseUrl: settings.chatBaseUrl,
        apiKey: () => settings.chatApiKey,
        redact: createRedact([settings.chatApiKey]),
      });
      const models = await client.models("openai");
      return `accepted by ${settings.chatBaseUrl}, ${models.length} models`;
    } finally {
      await http.close();
    }
  });
}

function folder(name: string, path: string): Promise<Finding> {
  return check(name, async () => {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK | constants.X_OK);
    return path;
  });
}

async function check(name: string, run: () => Promise<string>): Promise<Finding> {
  try {
    return { ok: true, name, detail: await run() };
  } catch (thrown) {
    const error = toAppError(thrown);
    const cause = thrown instanceof Error ? thrown.message : "";
    return { ok: false, name, detail: error.code === "internal" ? cause : error.message };
  }
}
