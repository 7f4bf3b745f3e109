import { Hono } from "hono";
import { isFields } from "../../core/json-fields.ts";
import { LEGACY_PATH, legacyBody, legacyCompleted, standingOf } from "../contract/replies.ts";

import { DEMO_PICTURE_PATH } from "../media-shelf.ts";
import type { SandboxContext, SandboxEnv } from "../sandbox-context.ts";
import { hasGatewayKey, refuse } from "./refusal.ts";

const DEMO_CREATED_AT = Date.parse("2024-06-15T10:30:00Z");
const DEMO_DURATION_MS = 42_000;

/**
 * The older LongCat status operation. It has no submit, so it knows the queue's own ids and the
 * documented examples, under `demo-processing` and `demo-completed`.
 */
export function legacyRoutes(context: SandboxContext): Hono<SandboxEnv> {
  const app = new Hono<SandboxEnv>();
  app.post(LEGACY_PATH, async (c) => {
    if (!hasGatewayKey(c, context.apiKey)) return refuse(c, 401, "");
    const body = c.get("body");
    const requestId = isFields(body) ? body.request_id : undefined;
    if (typeof requestId !== "string" || !/^[A-Za-z0-9_-]{3,}$/.test(requestId))
      return refuse(c, 400, "");
    c.get("record").requestId = requestId;

    const now = context.clock.now();
    const job = context.archive.get(requestId);
    if (job && !job.synchronous)
      return c.json(legacyBody(job, await standingOf(job, now, context.origin()), now));
    if (requestId === "demo-processing")
      return c.json({ status: "processing", progress: 0.45, request_id: requestId });
    if (requestId === "demo-completed")
      return c.json(
        legacyCompleted({
          requestId,
          resultUrl: context.origin() + DEMO_PICTURE_PATH,
          createdAt: DEMO_CREATED_AT,
          durationMs: DEMO_DURATION_MS,
        }),
      );
    return c.json({
      status: "failed",
      request_id: requestId,
      error: `Request '${requestId}' not found`,
    });
  });
  return app;
}
