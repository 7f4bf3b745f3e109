import { SERVICE_KEYS } from "../core/service-keys.ts";
import { environmentOf, keysIn } from "../hosts/host-entry.ts";
import { expandFolder, homeOf } from "../settings/folders.ts";
import { key as keyForm } from "../settings/forms.ts";
import { cleanValue, isPlaceholderKey, isUnfilled } from "../settings/raw.ts";
import type { Settings } from "../settings/settings.ts";
import type { Surroundings } from "../settings/values.ts";
import type { KeyFiles } from "./key-files.ts";

/** The variables that hold keys. */
export const KEY_NAMES: readonly string[] = Object.values(SERVICE_KEYS).map(({ env }) => env);

/** What becomes of the keys in a host's entry. */
export interface ChosenKeys {
  /** What the entry sets: names of files. */
  env: Record<string, string>;
  /** What is still to be kept, by its variable. */
  toKeep: Record<string, string>;
  /** What is to be said, a sentence each. */
  notes: string[];
}

export interface KeySources {
  settings: Settings;
  surroundings: Pick<Surroundings, "env" | "workingDir">;
  files: KeyFiles;
  /** The host's entry as it is. */
  existing: unknown;
  /** Asks a person at a terminal; absent where there is none. */
  ask?: ((variable: string, service: string) => Promise<string | undefined>) | undefined;
}

/** Finds each key that the entry will need: given by the environment, kept before, or asked for. */
export async function chooseKeys(sources: KeySources): Promise<ChosenKeys> {
  const chosen: ChosenKeys = { env: {}, toKeep: {}, notes: [] };
  const { sandbox, toolsets } = sources.settings;
  if (sandbox) return chosen;
  if (toolsets.includes("images")) await choose("apiKey", sources, chosen);
  if (toolsets.includes("chat")) await choose("chatApiKey", sources, chosen);
  return chosen;
}

async function choose(
  which: keyof typeof SERVICE_KEYS,
  { settings, surroundings, files, existing, ask }: KeySources,
  { env, toKeep, notes }: ChosenKeys,
): Promise<void> {
  const { env: variable, name: service } = SERVICE_KEYS[which];
  const byFile = `${variable}_FILE`;
  const own = files.path(variable);
  const before = environmentOf(existing);
  const keep = (key: string, whence: string) => {
    env[byFile] = own;
    toKeep[variable] = key;
    notes.push(`${variable} ${whence} is kept in ${own}, which only you can read.`);
  };
  const filledIn = before[variable];
  if (filledIn !== undefined && isUnfilled(filledIn)) {
    notes.push(`${variable} stays as the entry has it, which the host fills in.`);
    return;
  }
  const isGiven = cleanValue(surroundings.env[variable]) !== undefined;
  const given = settings[which];
  if (isGiven && given !== undefined) return keep(given, "of your environment");
  const named = cleanValue(surroundings.env[byFile]);
  if (named !== undefined && given !== undefined) {
    env[byFile] = expandFolder(named, homeOf(surroundings.env), surroundings.workingDir);
    return;
  }
  const literal = keysIn(existing, [variable])[variable];
  const found = literal === undefined ? undefined : usableKey(literal);
  if (found !== undefined) return keep(found, "of the earlier entry");
  if (before[byFile] !== undefined) return;
  if (await files.has(variable)) {
    env[byFile] = own;
    return;
  }
  const answer = await ask?.(variable, service);
  if (answer !== undefined) return keep(answer, "");
  notes.push(
    `${variable} (${service}) is not set: run the command again with it in your environment, or with ${byFile} naming a file that holds it.`,
  );
}

/** A key as it can be sent; undefined where it is none. */
export function usableKey(text: string): string | undefined {
  const cleaned = cleanValue(text);
  if (cleaned === undefined || isPlaceholderKey(cleaned)) return undefined;
  return keyForm.safeParse(cleaned).data;
}
