/** A JSON object whose fields may be anything. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object: no list, and not `null`. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as the JSON object that it is, if it is one. */
export function fieldsOf(value: unknown): Fields | undefined {
  return isFields(value) ? value : undefined;
}
