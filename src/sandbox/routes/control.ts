import { type Context, Hono } from "hono";
import { AppError } from "../../core/errors.ts";
import { isLoopback } from "../input-loader.ts";
import type { SandboxContext, SandboxEnv } from "../sandbox-context.ts";
import { refuse } from "./refusal.ts";

/** Routes for whoever runs the sandbox rather than calls it; they are not recorded. */
export const CONTROL_PREFIX = "/_sandbox";

/**
 * `GET /_sandbox/health`, `GET|DELETE /_sandbox/requests` (keys are hidden) and
 * `GET|POST|DELETE /_sandbox/faults` (POST takes one fault or an array of them).
 */
export function controlRoutes(context: SandboxContext): Hono<SandboxEnv> {
  const app = new Hono<SandboxEnv>().basePath(CONTROL_PREFIX);
  // Keeps out web pages whose host name was made to point here.
  app.use(async (c, next) =>
    isLoopback(new URL(c.req.url).hostname) && c.req.header("Origin") === undefined
      ? await next()
      : refuse(c, 403, "The control routes answer on loopback only."),
  );

  app.get("/health", (c) => c.json({ ok: true, jobs: context.archive.size }));

  app.get("/requests", (c) =>
    c.json({
      requests: context.recorder
        .list()
        .map((request) => ({ ...request, headers: withoutKeys(request.headers) })),
    }),
  );
  app.delete("/requests", (c) => {
    context.recorder.clear();
    return c.body(null, 204);
  });

  app.get("/faults", (c) => c.json({ faults: context.faults.list() }));
  app.post("/faults", async (c) => await addFaults(context, c));
  app.delete("/faults", (c) => {
    context.faults.clear();
    return c.body(null, 204);
  });
  return app;
}

async function addFaults(context: SandboxContext, c: Context<SandboxEnv>): Promise<Response> {
  try {
    const asked: unknown = await c.req.json();
    for (const fault of Array.isArray(asked) ? asked : [asked]) context.faults.add(fault);
    return c.json({ faults: context.faults.list() }, 201);
  } catch (error) {
    return refuse(c, 400, error instanceof AppError ? error.message : "The body must be JSON.");
  }
}

const KEY_HEADERS = ["ocp-apim-subscription-key", "authorization", "x-api-key"];

function withoutKeys(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      KEY_HEADERS.includes(name) ? `(${value.length} characters)` : value,
    ]),
  );
}
