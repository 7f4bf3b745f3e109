import type { Settings } from "../settings/settings.ts";
import { readProxies } from "./proxies.ts";

/** Says what is wrong with the settings and the machine. */
export async function runDoctor(settings: Settings): Promise<void> {
  const { runDoctor: run } = await import("./doctor.ts");
  process.exitCode = await run(settings, {
    write: (text) => process.stdout.write(text),
    nodeVersion: process.version,
    proxies: readProxies(process.env),
  });
}
