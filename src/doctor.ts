import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import type { Settings } from "./config.ts";
import { toAppError } from "./core/errors.ts";

export interface DoctorSurroundings {
  write: (text: string) => void;
  nodeVersion: string;
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
  { write, nodeVersion }: DoctorSurroundings,
): Promise<number> {
  const findings: Finding[] = [
    { ok: true, name: "Node", detail: nodeVersion },
    await folder("output folder", settings.outputDir),
    await check("job database", async () => {
      const { SqliteJobStore } = await import("./jobs/sqlite.ts");
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
      ok: settings.sandbox || settings.apiKey !== undefined,
      name: "PIXAZO_API_KEY",
      detail: settings.apiKey
        ? "set"
        : settings.sandbox
          ? "not set, and not needed by the sandbox"
          : "not set: image tools will refuse; --sandbox works without",
    },
    { ok: true, name: "image gateway", detail: settings.sandbox ? "sandbox" : settings.baseUrl },
  ];
  for (const { ok, name, detail } of findings) {
    write(`${ok ? "ok  " : "FAIL"}  ${name.padEnd(16)} ${detail}\n`);
  }
  return findings.every(({ ok }) => ok) ? 0 : 1;
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
