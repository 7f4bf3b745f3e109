import { SETTINGS, type SettingSpec, shownDefault } from "../settings/specs.ts";

/** A setting that a person is asked for where the program is installed by a form. */
export interface ConfigurableSetting {
  setting: SettingSpec;
  title: string;
  type: "string" | "boolean" | "number" | "directory";
  /** In place of the setting's own help. */
  description?: string;
}

/**
 * What the bundle's host and clients of the registry ask the user for. A setting without a default that is left empty arrives
 * as a literal `${user_config.…}`, which the program takes as unset.
 */
export const CONFIGURABLE: Readonly<Record<string, ConfigurableSetting>> = {
  api_key: {
    setting: SETTINGS.apiKey,
    title: "Pixazo API key",
    type: "string",
    description: "Key of the Pixazo image gateway. Not needed with the sandbox.",
  },
  longcat_api_key: {
    setting: SETTINGS.chatApiKey,
    title: "LongCat API key",
    type: "string",
    description: "Key of the LongCat chat platform. Not needed with the sandbox.",
  },
  sandbox: { setting: SETTINGS.sandbox, title: "Sandbox", type: "boolean" },
  output_dir: { setting: SETTINGS.outputDir, title: "Output folder", type: "directory" },
  previews: { setting: SETTINGS.previews, title: "Previews", type: "string" },
  max_wait_seconds: {
    setting: SETTINGS.maxWaitSeconds,
    title: "Longest wait in seconds",
    type: "number",
  },
};

/** What the form holds before anyone has filled it in. */
export function defaultOf({ setting }: ConfigurableSetting): string | boolean | number | undefined {
  if (setting.default === undefined) return undefined;
  const value = setting.schema.parse(setting.default);
  return typeof value === "boolean" || typeof value === "number" ? value : setting.default;
}

/** One sentence for the form. */
export function descriptionOf({ setting, description }: ConfigurableSetting): string {
  return description ?? sentence(`${setting.help}; default: ${shownDefault(setting)}`);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
