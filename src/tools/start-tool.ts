import * as z from "zod";
import type { AnyOperation } from "../models/operation.ts";
import { purchaseCost } from "./dry-run.ts";
import { requireKey } from "./require-key.ts";
import type { ToolDeps } from "./services.ts";
import { previewWish } from "./shown-pictures.ts";
import { startArguments, startOrRehearse, startPlace, wishesOf } from "./starting.ts";
import { defineTool, type Tool } from "./tool.ts";

/** Every operation's start tool, once for all. */
export function startTool(deps: ToolDeps, operation: AnyOperation): Tool {
  const { maxWaitSeconds, prices } = deps.settings;
  const facts = { key: "apiKey" as const, cost: purchaseCost(operation, prices) };
  return defineTool(deps, {
    name: operation.name,
    title: operation.title,
    description: operation.description,
    ...(operation.searchHint && { searchHint: operation.searchHint }),
    kind: "start",
    isViewed: true,
    input: () =>
      z.object({
        ...startArguments(maxWaitSeconds),
        max_cost_usd: z.number().min(0).optional(),
        previews: previewWish(),
      }),
    more: operation.input,
    local: startPlace,
    async run(given, call, own, place) {
      const input = { ...given, ...place };
      const startedAt = deps.clock.elapsed();
      const request = { operation, given: operation.prepare(own), ...wishesOf(input, call) };
      await requireKey(deps, call.caller, "apiKey");
      const services = await deps.services.get();
      const { purchases } = services;
      return startOrRehearse(deps, services, purchases, request, facts, { call, input, startedAt });
    },
  });
}
