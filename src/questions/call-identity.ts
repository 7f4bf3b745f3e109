import { createHash } from "node:crypto";
import { fieldsOf } from "../core/json-fields.ts";

/** Arguments that change nothing about what is bought. */
const BESIDES: ReadonlySet<string> = new Set([
  "max_cost_usd",
  "wait_seconds",
  "previews",
  "idempotency_key",
  "force_new",
  "dry_run",
  "save_to",
]);

/** A call, as far as it matters for what is asked. */
export interface NamedCall {
  owner: string;
  tool: string;
  /** As they were sent. */
  args: unknown;
}

/** The same for the same call of the same caller to its last argument, in whatever order. */
export function exactCall({ owner, tool, args }: NamedCall): string {
  return digest([owner, tool, ordered(args)]);
}

/** The same for calls that want the same, whatever they may cost or however long they wait. */
export function wantedBy({ owner, tool, args }: NamedCall): string {
  const wanted = Object.entries(fieldsOf(args) ?? {}).filter(([name]) => !BESIDES.has(name));
  return digest([owner, tool, ordered(Object.fromEntries(wanted))]);
}

/** Whether a call wants another one of what there is already. */
export function wantsAnother(args: unknown): boolean {
  return Boolean(fieldsOf(args)?.["force_new"]);
}

function digest(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  const fields = fieldsOf(value);
  if (!fields) return value;
  const names = Object.keys(fields).sort();
  return names.map((name) => [name, ordered(fields[name])]);
}
