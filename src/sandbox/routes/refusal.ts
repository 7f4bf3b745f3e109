import type { Context } from "hono";
import { errorBody } from "../contract/replies.ts";
import type { SandboxEnv } from "../sandbox-context.ts";

/** Answers with an error in the shape of the API that was called. */
export function refuse(
  c: Context<SandboxEnv>,
  status: 400 | 401 | 403 | 404 | 413 | 416,
  message: string,
): Response {
  return c.json(errorBody(c.req.path, status, message), status);
}

/** Whether the request carries a key that this sandbox accepts, in the gateway's own header. */
export function hasGatewayKey(c: Context<SandboxEnv>, apiKey: string | undefined): boolean {
  const key = c.req.header("Ocp-Apim-Subscription-Key")?.trim() ?? "";
  return key !== "" && (apiKey === undefined || key === apiKey);
}
