import { missingKey, type ServiceKey } from "../core/service-keys.ts";
import type { Settings } from "./settings.ts";

/**
 * The key of the environment.
 * @throws {configuration} naming the variable that is not set, and one that may have been meant as it.
 */
export function setKey(settings: Settings, key: ServiceKey): string {
  const value = settings[key];
  if (value) return value;
  throw missingKey(key, settings.strayKeys[key]);
}
