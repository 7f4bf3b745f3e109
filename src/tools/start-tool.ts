import * as z from "zod";
import type { AnyOperation, Prepared } from "../models/operation.ts";
import { requireKey } from "../settings/missing-key.ts";
import { textBlock } from "./result.ts";
import type { ToolDeps } from "./services.ts";
import { answerStart, startArguments } from "./starting.ts";
import { defineTool, type Tool } from "./tool.ts";

/** Every operation's start tool, once for all. */
export function startTool(deps: ToolDeps, operation: AnyOperation): Tool {
  const { maxWaitSeconds } = deps.settings;
  const takesDatasets = operation.files.some((field) => field.kind === "archive");
  return defineTool(deps, {
    name: operation.name,
    title: operation.title,
    description: operation.description,
    kind: "start",
    input: z.object({
      ...startArguments(maxWaitSeconds),
      max_cost_usd: z.number().min(0).optional(),
    }),
    more: takesDatasets
      ? operation.input.extend({
          dataset_check: z.boolean().optional().describe("Only check the set; buys nothing"),
        })
      : operation.input,
    async run(added, call, own) {
      const startedAt = deps.clock.elapsed();
      const given = operation.prepare(own);
      if (takesDatasets && own["dataset_check"] === true) {
        return checkDatasets(deps, operation, given);
      }
      requireKey(deps.settings, "apiKey");
      const services = await deps.services.get();
      const started = await services.jobs.start(services.purchases, call.owner, {
        operation,
        given,
        saveTo: added.save_to,
        maxCostUsd: added.max_cost_usd,
        idempotencyKey: added.idempotency_key,
        forceNew: added.force_new,
      });
      const spentMs = deps.clock.elapsed() - startedAt;
      const wishes = { seconds: added.wait_seconds, saveTo: added.save_to, spentMs };
      return answerStart(deps, services, started, call, wishes);
    },
  });
}

/** Tells whether a training set is in order, and buys nothing. */
async function checkDatasets(deps: ToolDeps, operation: AnyOperation, given: Prepared) {
  const { inputs } = await deps.services.get();
  const { text, isUsable } = await inputs.checkDatasets(operation.files, given.input);
  return { content: [textBlock(`${text}\nNothing was sent or bought.`)], isError: !isUsable };
}
