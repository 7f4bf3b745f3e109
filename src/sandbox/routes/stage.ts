import { isFields } from "../../core/json-fields.ts";
import { QUEUE_OPERATIONS, SYNC_EDIT, SYNC_GENERATE } from "../contract/acceptance.ts";

import type { Stage } from "../faults/markers.ts";

/** What a request to this path can act out; `undefined` where there is nothing. */
export function stageOf(path: string, body: unknown): Stage | undefined {
  if (QUEUE_OPERATIONS.some((operation) => operation.path === path)) return "queued";
  if (path === SYNC_EDIT.path || path === SYNC_GENERATE.path) return "sync";
  if (!/^\/(?:openai|anthropic)\//.test(path)) return undefined;
  return isFields(body) && body.stream === true ? "stream" : "chat";
}
