import { fieldsOf } from "../core/json-fields.ts";
import type { Settings } from "../settings/settings.ts";
import type { Tool } from "./tool.ts";
import { LISTED_TOOLS, type ListedTool } from "./tools.prepared.ts";

/** The tools as a client is told of them; what takes part in a call is not needed for it. */
export function listTools({
  toolsets,
  maxWaitSeconds,
}: Pick<Settings, "toolsets" | "maxWaitSeconds">): ListedTool[] {
  return LISTED_TOOLS.filter((tool) => toolsets.some((one) => tool.toolsets.includes(one))).map(
    ({ listed }) => ({ ...listed, inputSchema: waiting(listed.inputSchema, maxWaitSeconds) }),
  );
}

/** The tools as callers elsewhere are told of them. */
export function listElsewhere(tools: Iterable<Tool>): ListedTool[] {
  return [...tools].map(({ name, title, annotations, meta, elsewhere }) => ({
    ...{ name, title, annotations, meta },
    ...{ description: elsewhere.description, inputSchema: elsewhere.inputSchema },
  }));
}

/** A tool's schema with the longest wait of these settings: nothing else in it depends on any. */
function waiting(schema: Record<string, unknown>, maxWaitSeconds: number) {
  const properties = fieldsOf(schema["properties"]);
  const wait = fieldsOf(properties?.["wait_seconds"]);
  if (!properties || !wait) return schema;
  const longest = { ...wait, maximum: maxWaitSeconds };
  return { ...schema, properties: { ...properties, wait_seconds: longest } };
}
