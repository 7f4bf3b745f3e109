import { missingKey, type ServiceKey } from "../core/service-keys.ts";
import type { Settings } from "./settings.ts";

/**
 * Before anything is recorded: a call that cannot be sent should cost nothing at all.
 * @throws {configuration} naming the variable that is not set, and one that may have been meant as it.
 */
export function requireKey(settings: Settings, key: ServiceKey): void {
  if (settings.sandbox || settings[key]) return;
  throw missingKey(key, settings.strayKeys[key]);
}
