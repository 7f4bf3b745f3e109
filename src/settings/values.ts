import { delimiter } from "node:path";
import type * as z from "zod";
import { oneLine } from "../core/text.ts";
import { expandFolder, homeOf, isUnfilledFolder, splitFolders } from "./folders.ts";
import { cleanValue, isPlaceholderKey, isUnfilled } from "./raw.ts";
import { SETTINGS, type SettingSpec } from "./specs.ts";

export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  flags: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
  workingDir: string;
  /** The words that start this program. */
  start?: string;
  /** Reads a small text file. @throws when it cannot. */
  readFile: (path: string) => string;
  /** Nothing will be sent to anyone, so that proxies do not matter. */
  isOffline?: boolean;
  /** Whether a path is a folder; everything is one where nobody can look. */
  isFolder?: (path: string) => boolean;
}

type SettingName = keyof typeof SETTINGS;
type Output<N extends SettingName> = z.output<(typeof SETTINGS)[N]["schema"]>;
type SureName = {
  [N in SettingName]: (typeof SETTINGS)[N] extends { default: string } ? N : never;
}[SettingName];
/** What is set, and the defaults of what is not. */
export type Values = { [N in SureName]: Output<N> } & {
  [N in Exclude<SettingName, SureName>]?: Output<N>;
};

interface ReadValues {
  values: Values;
  problems: string[];
  notes: string[];
}

/** Every setting as its form makes it, by default where it is unset or wrong; and what is wrong. */
export function readValues(surroundings: Surroundings): ReadValues {
  const problems: string[] = [];
  const notes: string[] = [];
  const given = (spec: SettingSpec): unknown => {
    const { env } = surroundings;
    if (spec.onlyWith?.every((name) => cleanValue(env[name]) === undefined)) return undefined;
    const raw = rawValue(spec, surroundings);
    if (raw === undefined) return undefined;
    if ("problem" in raw) {
      problems.push(raw.problem);
      return undefined;
    }
    const { value, source } = raw;
    const { filled, note, problem } = withoutUnfilled(spec, value, source);
    if (note) notes.push(note);
    if (problem) problems.push(problem);
    if (filled === undefined) return undefined;
    const parsed = spec.schema.safeParse(filled);
    if (parsed.success) return parsed.data;
    problems.push(wrongValue(spec, source, filled, parsed.error.issues[0]?.message ?? "is wrong"));
    return undefined;
  };
  const specs: readonly [string, SettingSpec][] = Object.entries(SETTINGS);
  const entries = specs.map(([name, spec]) => {
    const byDefault = spec.default === undefined ? undefined : spec.schema.parse(spec.default);
    return [name, given(spec) ?? byDefault];
  });
  return { values: Object.fromEntries(entries), problems, notes };
}

function wrongValue(spec: SettingSpec, source: string, value: string, problem: string): string {
  if (/[.?]$/.test(problem)) return `${source} ${problem}`;
  const mayBeShown = !spec.secret && !value.includes("@");
  return `${source} ${problem}${mayBeShown ? ` (it is "${oneLine(value, 60)}")` : ""}.`;
}

/** What a host left unfilled: unset where that costs nothing, with a word; elsewhere a mistake. */
function withoutUnfilled(
  spec: SettingSpec,
  value: string,
  source: string,
): { filled?: string; note?: string; problem?: string } {
  if (isKey(spec)) {
    if (!isPlaceholderKey(value)) return { filled: value };
    return { note: `${source} holds a placeholder where a key belongs; it counts as unset.` };
  }
  const shown = spec.secret ? "a placeholder" : `"${oneLine(value, 60)}"`;
  const left = `holds ${shown}, which its host has not filled in`;
  if (spec.folder === undefined) {
    return isUnfilled(value) ? { problem: `${source} ${left}.` } : { filled: value };
  }
  const parts = spec.folder === "several" ? splitFolders(value) : [value];
  const filled = parts.filter((part) => !isUnfilledFolder(part));
  if (filled.length === parts.length) return { filled: value };
  const note = `${source} ${left}; it counts as unset.`;
  return filled.length === 0 ? { note } : { filled: filled.join(delimiter), note };
}

/** Whether calls say what is missing without it. To do without another secret would be a mistake. */
function isKey({ secret, guardsMoney }: SettingSpec): boolean {
  return secret === true && guardsMoney !== true;
}

type RawValue = { value: string; source: string } | { problem: string };

function rawValue(
  spec: SettingSpec,
  { env, flags, workingDir, readFile }: Surroundings,
): RawValue | undefined {
  const flag = spec.flag === undefined ? undefined : cleanValue(flags[spec.flag]);
  if (flag !== undefined) return { value: flag, source: `--${spec.flag}` };
  const value = cleanValue(env[spec.env]);
  if (value !== undefined) return { value, source: spec.env };
  const source = `${spec.env}_FILE`;
  const file = spec.secret ? cleanValue(env[source]) : undefined;
  if (file === undefined) return undefined;
  // What its host has not filled in says of the key what it would say in its place.
  if (isUnfilled(file)) return { value: file, source };
  try {
    const content = cleanValue(readFile(expandFolder(file, homeOf(env), workingDir)));
    if (content !== undefined) return { value: content, source };
    return isKey(spec)
      ? undefined
      : { problem: `${source} names ${oneLine(file)}, which is empty.` };
  } catch {
    return { problem: `${source} names ${oneLine(file)}, which cannot be read.` };
  }
}
