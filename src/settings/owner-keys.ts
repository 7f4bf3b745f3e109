import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Redact } from "../core/redact.ts";
import { type Keys, missingOwnKey } from "../core/service-keys.ts";
import { setKey } from "./missing-key.ts";
import type { Settings } from "./settings.ts";
import { KeyFiles } from "./user-key-files.ts";

export interface OwnerKeysOptions {
  settings: Settings;
  /** `undefined` where all share one key. */
  files: KeyFiles | undefined;
  /** Has the keys of the environment in any case. */
  homeOwner: string;
  /** By what an owner's folder is named; `undefined` for one without a name. */
  nameOf: (owner: string) => Promise<string | undefined>;
}

/** Which key each owner's calls carry: the shared one, or where keys have a folder, the owner's own. */
export function ownerKeys({ settings, files, homeOwner, nameOf }: OwnerKeysOptions): Keys {
  return {
    async of(owner, key) {
      if (settings.sandbox) return "sandbox";
      if (files === undefined || owner === homeOwner) return setKey(settings, key);
      const name = await nameOf(owner);
      if (name === undefined) throw missingOwnKey(key);
      return files.read(name, key);
    },
  };
}

/** The same, with the files opened where there are any: every key in them is known as a secret. */
export async function openOwnerKeys(
  options: Omit<OwnerKeysOptions, "files"> & { clock: Clock; log: Log; redact: Redact },
): Promise<{ keys: Keys; closeKeys: () => void }> {
  const { settings, clock, log, redact } = options;
  const { keysDir: folder } = settings;
  const { learn } = redact;
  const files = folder === undefined ? undefined : new KeyFiles({ folder, clock, log, learn });
  await files?.open();
  return { keys: ownerKeys({ ...options, files }), closeKeys: () => files?.close() };
}
