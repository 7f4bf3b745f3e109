import * as z from "zod";
import { isFields } from "../core/json-fields.ts";
import { isUnfilled } from "../settings/raw.ts";

/** How a host is to start this program. */
export interface Launch {
  command: string;
  args: readonly string[];
  /** Never a key: those are named by a file. */
  env: Readonly<Record<string, string>>;
}

/** What a host's file says of one server, as its own keys and values. */
export type Entry = Record<string, unknown>;

const environment = z.record(z.string(), z.unknown());

/** What an entry sets for the program, under whichever name its host has for that. */
export function environmentOf(entry: unknown): Record<string, string> {
  const parsed = z
    .looseObject({ env: environment.optional(), environment: environment.optional() })
    .safeParse(entry);
  const set = parsed.data?.env ?? parsed.data?.environment ?? {};
  return Object.fromEntries(
    Object.entries(set).flatMap(([name, value]) =>
      typeof value === "string" ? [[name, value]] : [],
    ),
  );
}

/** The words that an entry starts its program with. */
export function wordsOf(entry: unknown): string[] {
  const word = z.union([z.string(), z.array(z.string())]);
  const parsed = z
    .looseObject({ command: word.optional(), args: z.array(z.string()).optional() })
    .safeParse(entry);
  return [parsed.data?.command ?? [], parsed.data?.args ?? []].flat();
}

/** Whether an entry starts this program, wherever it lies. */
export function isOurs(entry: unknown, launch?: Launch): boolean {
  const script = launch?.args.find((word) => /[/\\]/.test(word));
  const isNamed = wordsOf(entry).some(
    (word) => word === script || /(?:^|[/\\])longcat-mcp(?:[/\\@]|$)/.test(word),
  );
  const ofOurs = /^(?:PIXAZO_|LONGCAT_)/;
  return isNamed || Object.keys(environmentOf(entry)).some((name) => ofOurs.test(name));
}

/** What holds a key itself: neither a file's name nor something that the host fills in. */
export function keysIn(entry: unknown, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environmentOf(entry)).filter(
      ([name, value]) => names.includes(name) && value.trim() !== "" && !isUnfilled(value),
    ),
  );
}

/**
 * The entry as it is to be: what its user has added stays, and no key does.
 * @param keyNames the variables that hold keys
 */
export function renewed(before: unknown, wanted: Entry, keyNames: readonly string[]): Entry {
  if (!isFields(before)) return wanted;
  const field = "environment" in wanted || "environment" in before ? "environment" : "env";
  const literal = Object.keys(keysIn(before, keyNames));
  const kept = isFields(before[field]) ? before[field] : {};
  const set = {
    ...Object.fromEntries(Object.entries(kept).filter(([name]) => !literal.includes(name))),
    ...(isFields(wanted[field]) ? wanted[field] : {}),
  };
  const { [field]: _, ...others } = { ...before, ...wanted };
  return Object.keys(set).length === 0 ? others : { ...others, [field]: set };
}

/** Names whose values are nobody's to see. */
const SECRET_NAME = /key|token|secret|passw|auth|credential/i;

/** An entry as it may be shown: what its user may have set as a secret is masked. */
export function shownEntry(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shownEntry);
  if (!isFields(value)) return value;
  const rows = Object.entries(value).map(([name, inner]) => {
    const isSecret =
      typeof inner === "string" &&
      SECRET_NAME.test(name) &&
      !/_FILE$/i.test(name) &&
      !isUnfilled(inner);
    return [name, isSecret ? "…" : shownEntry(inner)];
  });
  return Object.fromEntries(rows);
}
