import { isFields } from "../../core/json-fields.ts";

const PROMPT_FIELDS = ["prompt", "text", "content", "default_caption", "system"];
const ADDRESS_FIELDS = ["image_url", "image_data_url"];

/**
 * All that a request body says in words, whatever the operation; and the addresses of operations
 * without a prompt, where a marker may stand percent-encoded.
 */
export function promptIn(body: unknown): string {
  const found: string[] = [];
  const visit = (value: unknown, field: string): void => {
    if (typeof value === "string") {
      if (PROMPT_FIELDS.includes(field)) found.push(value);
      else if (ADDRESS_FIELDS.includes(field)) found.push(decoded(value));
    } else if (Array.isArray(value)) {
      for (const item of value) visit(item, field);
    } else if (isFields(value)) {
      for (const [key, item] of Object.entries(value)) visit(item, key);
    }
  };
  visit(body, "");
  return found.join("\n");
}

function decoded(address: string): string {
  if (address.startsWith("data:")) return "";
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}
