import { systemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { Lazy } from "../core/lazy.ts";
import { createLog } from "../core/log.ts";
import { createRedact } from "../core/redact.ts";
import { OPERATIONS } from "../models/catalogue.ts";
import type { AnyOperation } from "../models/operation.ts";
import { readSettings } from "../settings/settings.ts";
import type { ToolDeps } from "../tools/services.ts";
import type { Tool } from "../tools/tool.ts";
import { createTools } from "../tools/tool-list.ts";

/** A tool and, where it starts a job, what it buys. */
export interface DocumentedTool {
  tool: Tool;
  operation: AnyOperation | undefined;
}

/** What tools are made with when they are only looked at: the default settings, no services. */
export function documentationDeps(): ToolDeps {
  const notHere = () => {
    throw new AppError("internal", "Documentation calls no tools.");
  };
  return {
    services: new Lazy(async () => notHere()),
    settings: readSettings({
      env: { HOME: "/home/user" },
      flags: {},
      platform: "linux",
      workingDir: "/",
      readFile: notHere,
    }),
    clock: systemClock,
    log: createLog("silent", createRedact([]), () => {}),
    redact: createRedact([]),
    reached: () => {},
  };
}

/** All tools in the order of the list, as an unconfigured server offers them. */
export function documentedTools(): DocumentedTool[] {
  return createTools(documentationDeps()).map((tool) => ({
    tool,
    operation: OPERATIONS.find(({ name }) => name === tool.name),
  }));
}

/** A price as the provider prints it. */
export function priceText({ price }: AnyOperation): string {
  return price.usd === null ? "not published" : `$${price.usd} per ${price.per}`;
}
