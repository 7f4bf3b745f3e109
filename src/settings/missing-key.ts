import { AppError } from "../core/errors.ts";
import type { Settings } from "./settings.ts";
import { SETTINGS } from "./specs.ts";

const PURPOSES = { apiKey: "the image gateway", chatApiKey: "LongCat chat" } as const;

/**
 * Before anything is recorded: a call that cannot be sent should cost nothing at all.
 * @throws {configuration} naming the variable that is not set, and one that may have been meant as it.
 */
export function requireKey(settings: Settings, key: keyof typeof PURPOSES): void {
  if (settings.sandbox || settings[key]) return;
  const { env } = SETTINGS[key];
  const stray = settings.strayKeys[key];
  const found = stray === undefined ? "" : ` ${stray}`;
  throw new AppError(
    "configuration",
    `No API key for ${PURPOSES[key]} is set: ${env} is missing.${found}`,
    {
      next: `Set ${env} (or ${env}_FILE) and restart the server, or start it with --${SETTINGS.sandbox.flag}, which needs no key.`,
    },
  );
}
