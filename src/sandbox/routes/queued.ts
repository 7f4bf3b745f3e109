import { type Context, Hono } from "hono";
import { delay } from "../../core/clock.ts";
import type { MediaFile, SandboxJob } from "../archive.ts";
import { QUEUE_OPERATIONS, type UpstreamOperation } from "../contract/acceptance.ts";
import { type Commission, queueCommission } from "../contract/commission.ts";
import { acceptedBody, standingOf, statusBody } from "../contract/replies.ts";
import { objectionTo } from "../contract/rules.ts";
import { twistOf } from "../faults/twist.ts";
import { uuidV7 } from "../request-ids.ts";
import type { SandboxContext, SandboxEnv } from "../sandbox-context.ts";
import { announce } from "./callbacks.ts";
import { hasGatewayKey, refuse } from "./refusal.ts";

/** The eight queue operations and the status operation they share. */
export function gatewayRoutes(context: SandboxContext): Hono<SandboxEnv> {
  const app = new Hono<SandboxEnv>();
  for (const operation of QUEUE_OPERATIONS)
    app.post(operation.path, (c) => submit(context, operation, c));

  app.get("/v2/requests/status/:id", async (c) => {
    if (!hasGatewayKey(c, context.apiKey)) return refuse(c, 401, KEY_MISSING);
    const job = context.archive.get(c.req.param("id"));
    if (!job || job.synchronous) return refuse(c, 404, `Request '${c.req.param("id")}' not found.`);
    const now = context.clock.now();
    const standing = await standingOf(job, now, context.origin());
    return c.json(
      statusBody(job, standing, { now, trueMediaType: context.shapes.trueMediaType ?? false }),
    );
  });
  return app;
}

const KEY_MISSING = "A valid API key is required in the header Ocp-Apim-Subscription-Key.";

/** Why a request is refused, or undefined where it is as the contract wants it. */
export function refusal(
  context: SandboxContext,
  operation: UpstreamOperation,
  c: Context<SandboxEnv>,
): Response | undefined {
  if (!hasGatewayKey(c, context.apiKey)) return refuse(c, 401, KEY_MISSING);
  if (!/^application\/json\b/i.test(c.req.header("Content-Type") ?? ""))
    return refuse(c, 400, "The header Content-Type must be application/json.");
  const body = c.get("body");
  if (body === undefined) return refuse(c, 400, "The body must be JSON.");
  const objection = objectionTo(operation.body, body, "");
  return objection === undefined ? undefined : refuse(c, 400, objection);
}

async function submit(
  context: SandboxContext,
  operation: UpstreamOperation,
  c: Context<SandboxEnv>,
): Promise<Response> {
  const refused = refusal(context, operation, c);
  if (refused) return refused;
  const commission = queueCommission(operation, c.get("body"));
  const job = enqueue(context, operation, commission, c);
  const webhooks = [c.req.header("X-Webhook-URL"), commission.webhook];
  const fault = context.faults.take("webhook", c.get("occasion"));
  const addresses = webhooks.filter((url) => url !== undefined);
  await announce(context, job, addresses, fault);
  return c.json(acceptedBody(context.origin(), job.requestId), 202);
}

/** Takes on a queue job and writes down what it costs. */
export function enqueue(
  context: SandboxContext,
  operation: UpstreamOperation,
  commission: Commission,
  c: Context<SandboxEnv>,
): SandboxJob {
  const fault = context.faults.take("job", c.get("occasion"));
  const twist = fault ? twistOf(fault) : {};
  const requestId = `${operation.modelId}_${uuidV7(context.clock.now())}`;
  const load = operation.output === "weights" ? "archive" : "pictures";
  const [archive = ""] = commission.inputs;
  const job: SandboxJob = {
    requestId,
    modelId: operation.modelId,
    synchronous: false,
    commission,
    schedule: context.queue.enter(operation.durationMs, { stuck: twist.stuck ?? false }),
    twist,
    armed: c.get("later"),
    inputs:
      load === "archive"
        ? context.inputs.archive(archive)
        : context.inputs.pictures(commission.inputs),
    files: filesOf(commission, requestId),
    polls: 0,
    relapsed: false,
  };
  context.archive.add(job);
  const record = c.get("record");
  record.requestId = requestId;
  record.charged = !twist.uncharged;
  return job;
}

function filesOf(commission: Commission, requestId: string): MediaFile[] {
  const folder = `/v1/${requestId}`;
  if (commission.output === "weights")
    return [
      { path: `${folder}/output.safetensors`, contentType: "application/octet-stream" },
      { path: `${folder}/config.json`, contentType: "application/json" },
    ];
  const { format, count } = commission;
  return Array.from({ length: count }, (_, index) => ({
    path: `${folder}/output${index === 0 ? "" : `_${index + 1}`}.${format}`,
    contentType: `image/${format}`,
  }));
}

/** Waits as long as the operation takes at this sandbox's speed. */
export async function takeTime(
  context: SandboxContext,
  operation: UpstreamOperation,
): Promise<void> {
  await delay(context.clock, operation.durationMs / context.speed, context.closing);
}
