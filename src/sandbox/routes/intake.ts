import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context, MiddlewareHandler } from "hono";
import { delay } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { SandboxJob } from "../archive.ts";
import { errorBody } from "../contract/replies.ts";
import type { FaultOf } from "../faults/fault-kinds.ts";
import { promptIn } from "../faults/prompt.ts";
import { abridge } from "../recorder.ts";
import type { SandboxContext, SandboxEnv } from "../sandbox-context.ts";
import { refuse } from "./refusal.ts";
import { stageOf } from "./stage.ts";

const LARGEST_BODY_BYTES = 96 * 1024 * 1024;

/** Writes every request down, then lets happen what was asked to go wrong with it. */
export function intake(context: SandboxContext): MiddlewareHandler<SandboxEnv> {
  return async (c, next) => {
    const text = await readBody(c);
    const body = text === undefined ? undefined : parseJson(text);
    const record = {
      at: context.clock.now(),
      method: c.req.method,
      path: c.req.path + new URL(c.req.url).search,
      headers: c.req.header(),
      body: abridge(body),
    };
    context.recorder.add(record, text?.length ?? 0);
    c.set("record", record);
    c.set("body", body);
    if (text === undefined) return answer(c, refuse(c, 413, "The body is too large."));

    const job = jobAskedFor(context, c.req.path);
    if (job) c.get("record").requestId = job.requestId;
    const prompt = job?.commission.prompt ?? promptIn(body);
    try {
      const { now, later } = job
        ? { now: job.armed, later: [] }
        : context.faults.marked(prompt, stageOf(c.req.path, body));
      c.set("occasion", { path: c.req.path, method: c.req.method, prompt, own: now });
      c.set("later", later);
    } catch (error) {
      const message = error instanceof AppError ? error.message : "The prompt is not usable.";
      return answer(c, refuse(c, 400, message));
    }

    const slow = context.faults.take("delay", c.get("occasion"));
    if (slow) await delay(context.clock, slow.ms, context.closing);
    const fault = context.faults.take("request", c.get("occasion"));
    const act = fault && actOf(fault);
    if (act?.refuses) return act.refuses(c);
    c.set("spoil", fault?.kind);
    await next();
    if (c.res === RESPONSE_ALREADY_SENT) return undefined;
    if (act?.spoils) return await act.spoils(c);
    c.get("record").status = c.res.status;
    return undefined;
  };
}

function answer(c: Context<SandboxEnv>, reply: Response): Response {
  c.get("record").status = reply.status;
  return reply;
}

/** What a fault does to a request: refuses it, or accepts it and spoils the reply. */
interface Act {
  refuses?: (c: Context<SandboxEnv>) => Response;
  spoils?: (c: Context<SandboxEnv>) => Promise<Response | undefined>;
}

function actOf(fault: FaultOf<"request">): Act {
  switch (fault.kind) {
    case "status":
      return { refuses: (c) => answer(c, statusReply(c, fault)) };
    case "redirect": {
      const { status = 307, location } = fault;
      const headers = { Location: location };
      return { refuses: (c) => answer(c, new Response(null, { status, headers })) };
    }
    case "reset-before":
      return { refuses: hangUp };
    case "reset-after":
      return { spoils: async (c) => hangUp(c) };
    case "hang":
      // Only the end of the connection ends this.
      return { spoils: () => new Promise<Response>(() => {}) };
    case "truncate":
      return { spoils: cutShort };
    case "not-json":
      return {
        spoils: async (c) =>
          replaced(
            c,
            new Response("<!doctype html><title>Gateway</title><p>Please wait…</p>", {
              headers: { "Content-Type": "text/html; charset=utf-8" },
            }),
          ),
      };
    case "empty-body":
      return { spoils: async (c) => replaced(c, new Response(null, { status: c.res.status })) };
  }
}

function statusReply(
  c: Context<SandboxEnv>,
  fault: Extract<FaultOf<"request">, { kind: "status" }>,
) {
  const { status, body = errorBody(c.req.path, status), headers = {} } = fault;
  const isText = typeof body === "string";
  const textType = isText && /^\s*</.test(body) ? "text/html" : "text/plain";
  const empty = status === 204 || status === 205 || status === 304;
  return new Response(empty ? null : isText ? body : JSON.stringify(body), {
    status,
    headers: { "Content-Type": isText ? textType : "application/json", ...headers },
  });
}

function replaced(c: Context<SandboxEnv>, reply: Response): undefined {
  replaceReply(c, reply);
  c.get("record").status = c.res.status;
}

/** Drops the connection. */
export function hangUp(c: Context<SandboxEnv>): Response {
  c.env.incoming.socket.destroy();
  replaceReply(c, RESPONSE_ALREADY_SENT);
  return RESPONSE_ALREADY_SENT;
}

/** Without carrying over headers of the reply so far, which assigning alone would do. */
export function replaceReply(c: Context<SandboxEnv>, reply: Response): void {
  c.res = undefined;
  c.res = reply;
}

/** Announces the whole reply, sends half of it and drops the connection. */
export async function cutShort(c: Context<SandboxEnv>): Promise<Response> {
  const bytes = Buffer.from(await c.res.arrayBuffer());
  const { status } = c.res;
  const headers = Object.fromEntries(c.res.headers);
  const { outgoing } = c.env;
  outgoing.writeHead(status, { ...headers, "content-length": bytes.length });
  await new Promise<void>((resolve) => {
    outgoing.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => resolve());
  });
  c.get("record").status = status;
  return hangUp(c);
}

/** The job that a status or file request is about. */
function jobAskedFor(context: SandboxContext, path: string): SandboxJob | undefined {
  const [, requestId] = /^\/v2\/requests\/status\/([^/]+)$/.exec(path) ?? [];
  return requestId ? context.archive.get(requestId) : context.archive.fileAt(path)?.job;
}

async function readBody(c: Context<SandboxEnv>): Promise<string | undefined> {
  if (c.req.method === "GET" || c.req.method === "HEAD") return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    size += chunk.length;
    if (size > LARGEST_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
