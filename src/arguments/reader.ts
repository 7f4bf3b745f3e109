import type * as z from "zod";
import { isFields } from "../core/json-fields.ts";
import type { Redact } from "../core/redact.ts";
import { OPERATIONS } from "../models/catalogue.ts";
import { checkNames, type Elsewhere } from "./argument-names.ts";
import type { ReferenceRules } from "./file-reference.ts";
import { Findings } from "./findings.ts";
import { checkForKeys } from "./keys.ts";
import { readFields } from "./read.ts";
import { type Node, schemaOf } from "./schema-nodes.ts";

/** The arguments of one call as everything after this sees them. */
export interface ReadArguments {
  /** In their normal form: own names only, each of its schema's type, absent where not given. */
  values: Record<string, unknown>;
  /** What was taken otherwise than it was written, for the answer. */
  notes: readonly string[];
}

/**
 * Makes the one reader that the arguments of a tool's calls pass: lenient in form, strict in
 * meaning. It is driven by the tool's own schema alone.
 * @param rules where the provider is, and the callers.
 * @param redact knows the keys of this server, which no argument may hold.
 */
export function argumentReader(
  tool: string,
  input: z.ZodObject,
  rules: ReferenceRules,
  redact: Redact,
): (given: unknown) => ReadArguments {
  let made: Node | undefined;
  const elsewhere: readonly Elsewhere[] = OPERATIONS.filter(({ name }) => name !== tool).map(
    ({ name, input: its }) => ({ tool: name, names: Object.keys(its.shape) }),
  );
  return (given) => {
    // Not before the first call: most tools of a session are never called.
    made ??= schemaOf(input);
    const findings = new Findings();
    const fields = isFields(given) ? given : {};
    checkNames(fields, Object.keys(input.shape), tool, elsewhere, findings);
    const values = readFields(fields, made, { findings, ...rules });
    findings.throwIfAny();
    checkForKeys(values, redact, findings);
    findings.throwIfAny();
    return { values, notes: findings.notes };
  };
}
