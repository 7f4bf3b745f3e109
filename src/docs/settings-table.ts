import { SETTINGS, type SettingSpec, shownDefault } from "../settings/specs.ts";
import { code, table } from "./markdown.ts";

/** Every setting with its flag, its default and its help. */
export function settingsTable(): string {
  const specs: readonly SettingSpec[] = Object.values(SETTINGS);
  return table(
    ["Variable", "Flag", "Default", "What it does"],
    specs.map((spec) => [
      code(spec.env),
      spec.flag === undefined ? "" : code(`--${spec.flag}`),
      shownDefault(spec),
      spec.help + (spec.commands ? ` (${spec.commands.join(", ")})` : ""),
    ]),
  );
}
