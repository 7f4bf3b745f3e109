import { OPERATIONS } from "../models/catalogue.ts";
import type { AnyOperation } from "../models/operation.ts";
import type { Tool } from "../tools/tool.ts";
import { createTools } from "../tools/tool-list.ts";
import { unconfiguredDeps } from "../tools/unconfigured.ts";

/** A tool and, where it starts a job, what it buys. */
export interface DocumentedTool {
  tool: Tool;
  operation: AnyOperation | undefined;
}

/** All tools in the order of the list, as an unconfigured server offers them. */
export function documentedTools(): DocumentedTool[] {
  return createTools(unconfiguredDeps()).map((tool) => ({
    tool,
    operation: OPERATIONS.find(({ name }) => name === tool.name),
  }));
}

/** A price as the provider prints it. */
export function priceText({ price }: AnyOperation): string {
  return price.usd === null ? "not published" : `$${price.usd} per ${price.per}`;
}
