import type { Tool } from "./tool.ts";
import { createTools } from "./tool-list.ts";
import { unconfiguredDeps } from "./unconfigured.ts";

/** All that a list shows of a tool, as JSON. */
export type ListedTool = Pick<
  Tool,
  "name" | "title" | "description" | "annotations" | "meta" | "inputSchema"
>;

/**
 * Every tool as it is listed under the default settings, and the toolsets it is in: made when the
 * program is built, because a start would need a tenth of a second for it.
 */
export const LISTED_TOOLS: readonly { toolsets: readonly string[]; listed: ListedTool }[] =
  listedTools();

function listedTools() {
  const deps = unconfiguredDeps();
  const { toolsets } = deps.settings;
  const namesIn = toolsets.map((toolset) => {
    const settings = { ...deps.settings, toolsets: [toolset] };
    return { toolset, names: createTools({ ...deps, settings }).map(({ name }) => name) };
  });
  // Callers elsewhere come over HTTP, to a program that has been running.
  const here = createTools(deps).filter((tool) => !tool.isForElsewhere);
  return here.map(({ name, title, description, annotations, meta, inputSchema }) => ({
    toolsets: namesIn.filter(({ names }) => names.includes(name)).map(({ toolset }) => toolset),
    listed: { name, title, description, annotations, meta, inputSchema },
  }));
}
