import type { SettingsCheck } from "../settings/settings.ts";
import { hostPlace } from "./surroundings.ts";

/** Says what is wrong with the settings and the machine. */
export async function runDoctor(checked: SettingsCheck, online: boolean): Promise<void> {
  const { examine } = await import("./examination.ts");
  process.exitCode = await examine(checked, {
    write: (text) => process.stdout.write(text),
    nodeVersion: process.version,
    place: hostPlace(checked.settings.homeDir),
    online,
  });
}
