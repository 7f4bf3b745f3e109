import { type Context, Hono } from "hono";
import type { SandboxJob } from "../archive.ts";
import { SYNC_EDIT, SYNC_GENERATE, type UpstreamOperation } from "../contract/acceptance.ts";
import { type Commission, syncCommission } from "../contract/commission.ts";
import { acceptedBody, editBody, generateBody } from "../contract/replies.ts";
import type { FaultOf } from "../faults/fault-kinds.ts";
import type { LoadedInputs } from "../input-loader.ts";
import { outputSize } from "../painter/painter.ts";
import { uuidV7 } from "../request-ids.ts";
import type { SandboxContext, SandboxEnv } from "../sandbox-context.ts";
import { enqueue, refusal, takeTime } from "./queued.ts";
import { refuse } from "./refusal.ts";

/** The two operations that answer with the picture itself. */
export function syncRoutes(context: SandboxContext): Hono<SandboxEnv> {
  const app = new Hono<SandboxEnv>();
  app.post(SYNC_EDIT.path, async (c) => {
    const commission = (body: unknown) =>
      syncCommission(SYNC_EDIT, body, { watermark: false, size: undefined });
    return await answer(context, SYNC_EDIT, c, commission, (reply) =>
      editBody(reply, context.shapes.shortEditReply ?? false),
    );
  });
  app.post(SYNC_GENERATE.path, async (c) => {
    const commission = (body: unknown) =>
      syncCommission(SYNC_GENERATE, body, { watermark: true, size: "1328*1328" });
    return await answer(context, SYNC_GENERATE, c, commission, (reply) =>
      context.shapes.chatStyleGenerateReply
        ? editBody(reply, false)
        : generateBody(reply.imageUrls),
    );
  });
  return app;
}

async function answer(
  context: SandboxContext,
  operation: UpstreamOperation,
  c: Context<SandboxEnv>,
  read: (body: unknown) => Commission,
  write: (reply: Parameters<typeof editBody>[0]) => object,
): Promise<Response> {
  const refused = refusal(context, operation, c);
  if (refused) return refused;
  const commission = read(c.get("body"));
  const inputs = await context.inputs.pictures(commission.inputs);
  if ("problem" in inputs) return refuse(c, 400, inputs.problem);

  const fault = context.faults.take("sync", c.get("occasion"));
  const change = fault ? changeBy(fault) : {};
  if (change.asQueued) {
    const { requestId } = enqueue(context, operation, commission, c);
    return c.json(acceptedBody(context.origin(), requestId), 202);
  }
  // Charged when the work begins: a caller who hangs up pays all the same.
  const job = keep(context, operation, { commission, inputs, armed: c.get("later") });
  const record = c.get("record");
  record.requestId = job.requestId;
  record.charged = true;
  await takeTime(context, operation);
  const imageUrls = job.files.map(({ path }) => context.origin() + path);
  return c.json(
    write({
      requestId: job.requestId,
      imageUrls: change.withoutImage ? [] : imageUrls,
      ...outputSize(commission, inputs),
    }),
  );
}

/** What a fault does to the answer. */
function changeBy(fault: FaultOf<"sync">): { asQueued?: true; withoutImage?: true } {
  switch (fault.kind) {
    case "sync-queued":
      return { asQueued: true };
    case "sync-no-image":
      return { withoutImage: true };
  }
}

function keep(
  context: SandboxContext,
  operation: UpstreamOperation,
  made: { commission: Commission; inputs: LoadedInputs; armed: SandboxJob["armed"] },
): SandboxJob {
  const now = context.clock.now();
  const requestId = uuidV7(now);
  const { modelId } = operation;
  const job: SandboxJob = {
    requestId,
    modelId,
    synchronous: true,
    commission: made.commission,
    schedule: { acceptedAt: now, startsAt: now, endsAt: now },
    twist: {},
    armed: made.armed,
    inputs: Promise.resolve(made.inputs),
    files: [{ path: `/${modelId}/${modelId}-${requestId}-${now}.png`, contentType: "image/png" }],
    polls: 0,
    relapsed: false,
  };
  context.archive.add(job);
  return job;
}
