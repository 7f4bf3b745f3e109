import { OPERATIONS } from "../models/index.ts";
import { modelsTool } from "./catalogue.ts";
import { chatTools } from "./chat.ts";
import { jobTools, legacyStatusTool } from "./jobs.ts";
import { startTool } from "./operations.ts";
import type { ToolDeps } from "./services.ts";
import { spendingTool } from "./spending.ts";
import type { Tool } from "./tool.ts";

/** All tools of the chosen toolsets, in the order in which they are listed. */
export function createTools(deps: ToolDeps): Tool[] {
  const images = deps.settings.toolsets.includes("images");
  return [
    ...(images ? OPERATIONS.map((operation) => startTool(deps, operation)) : []),
    ...jobTools(deps),
    ...(deps.settings.toolsets.includes("chat") ? chatTools(deps) : []),
    ...(images ? [modelsTool(deps), spendingTool(deps), legacyStatusTool(deps)] : []),
  ];
}
