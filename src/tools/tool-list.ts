import { OPERATIONS } from "../models/catalogue.ts";
import { chatTools } from "./chat-tools.ts";
import { jobTools, legacyStatusTool } from "./job-tools.ts";
import { modelsTool } from "./models-tool.ts";
import { saveTool } from "./save-tool.ts";
import type { ToolDeps } from "./services.ts";
import { spendingTool } from "./spending.ts";
import { startTool } from "./start-tool.ts";
import type { Tool } from "./tool.ts";
import { uploadTool } from "./upload-tool.ts";

/** All tools of the chosen toolsets, in the order in which they are listed. */
export function createTools(deps: ToolDeps): Tool[] {
  const images = deps.settings.toolsets.includes("images");
  return [
    ...(images ? OPERATIONS.map((operation) => startTool(deps, operation)) : []),
    ...jobTools(deps),
    saveTool(deps),
    uploadTool(deps),
    ...(deps.settings.toolsets.includes("chat") ? chatTools(deps) : []),
    ...(images ? [modelsTool(deps), spendingTool(deps), legacyStatusTool(deps)] : []),
  ];
}
