import type { Env, Hono } from "hono";

/** Of what an orchestrator asks again and again. */
const FRESH = { "cache-control": "no-store" };

/** What keeps the server from doing its work, in words that are for everybody; nothing: none. */
export type Readiness = () => Promise<readonly string[]>;

/**
 * What watches over the process may ask, whoever it is and by whatever name it calls this machine:
 * whether it is alive, which takes no look at anything, and whether it can do its work.
 */
export function healthRoutes<E extends Env>(
  app: Hono<E>,
  { version, readiness }: { version: string; readiness: Readiness },
): void {
  app.get("/healthz", (context) => context.json({ status: "ok", version }, 200, FRESH));
  app.get("/readyz", async (context) => {
    const reasons = await readiness();
    return reasons.length === 0
      ? context.json({ status: "ready" }, 200, FRESH)
      : context.json({ status: "unavailable", reasons }, 503, FRESH);
  });
}
