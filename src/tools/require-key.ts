import type { Caller } from "../core/caller.ts";
import type { ServiceKey } from "../core/service-keys.ts";
import { setKey } from "../settings/missing-key.ts";
import type { ToolDeps } from "./services.ts";

/**
 * Before anything is recorded: a call that cannot be sent should cost nothing at all.
 * @throws {configuration} naming the key that is missing, and where it belongs
 */
export async function requireKey(
  { settings, services }: Pick<ToolDeps, "settings" | "services">,
  { owner, isRemote }: Caller,
  key: ServiceKey,
): Promise<void> {
  if (settings.sandbox) return;
  // Whoever is on this machine has the keys of the environment, for which nothing must be opened.
  if (!isRemote || settings.keysDir === undefined) setKey(settings, key);
  else await (await services.get()).keys.of(owner, key);
}
