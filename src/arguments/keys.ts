import { isFields } from "../core/json-fields.ts";
import type { Redact } from "../core/redact.ts";
import type { Findings } from "./findings.ts";

/**
 * Notes each argument that holds an API key of this server: it would be sent, stored and shown with
 * it.
 * @param values arguments in their normal form.
 */
export function checkForKeys(
  values: Readonly<Record<string, unknown>>,
  redact: Redact,
  findings: Findings,
): void {
  for (const [name, value] of Object.entries(values)) {
    if (!textsIn(value).some((text) => !isPicture(text) && redact.finds(text))) continue;
    findings.add(
      `\`${name}\` holds an API key of this server, which is never passed on. Leave it out.`,
    );
  }
}

/** Objects among arguments have been read by then, and are small. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isFields(value)
    ? Object.entries(value).flatMap(([name, field]) => [name, ...textsIn(field)])
    : [];
}

function isPicture(text: string): boolean {
  return /^data:/i.test(text);
}
