import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Context, Hono } from "hono";
import { delay } from "../../core/clock.ts";
import { CHAT_BODIES, type ChatFormat } from "../contract/chat-acceptance.ts";
import { type Answer, answerTo, MODELS, type SandboxModel } from "../contract/chat-answer.ts";
import { wholeReply, writeEvents } from "../contract/chat-replies.ts";
import { errorBody } from "../contract/replies.ts";
import { objectionTo } from "../contract/rules.ts";
import type { FaultOf } from "../faults/fault-kinds.ts";
import { uuidV7 } from "../request-ids.ts";
import type { SandboxContext, SandboxEnv } from "../sandbox-context.ts";
import { hangUp } from "./intake.ts";
import { refuse } from "./refusal.ts";

/** At speed 1: how fast an answer comes. */
const MS_PER_TOKEN = 8;
const FIRST_TOKEN_MS = 250;
/** Timers are no finer than this, so fast answers come in bigger pieces. */
const MIN_PAUSE_MS = 4;
/** The front of the platform answers for paths it does not know. */
const NOT_FOUND_PAGE =
  "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>openresty</center>\r\n</body>\r\n</html>\r\n";

/** The chat platform: both formats, streamed or not, and its models. */
export function chatRoutes(context: SandboxContext): Hono<SandboxEnv> {
  const app = new Hono<SandboxEnv>();
  app.post("/openai/v1/chat/completions", (c) => chat(context, "openai", c));
  // Not documented, but the real platform answers there as well.
  app.post("/openai/chat/completions", (c) => chat(context, "openai", c));
  app.post("/anthropic/v1/messages", (c) => chat(context, "anthropic", c));
  for (const format of ["openai", "anthropic"] as const) {
    app.get(`/${format}/v1/models`, (c) => listModels(context, c));
    app.get(`/${format}/v1/models/:model`, (c) => modelDetails(context, c));
    app.all(`/${format}/*`, (c) => c.html(NOT_FOUND_PAGE, 404));
  }
  return app;
}

function listModels(context: SandboxContext, c: Context<SandboxEnv>): Response {
  const data = MODELS.map(({ id }) => ({ id, object: "model", owned_by: "LongCat" }));
  return keyRefusal(context, c) ?? c.json({ object: "list", data });
}

function modelDetails(context: SandboxContext, c: Context<SandboxEnv>): Response {
  const refused = keyRefusal(context, c);
  if (refused) return refused;
  const id = c.req.param("model") ?? "";
  const model = MODELS.find((one) => one.id === id);
  return model ? c.json(detailsOf(model)) : unknownModel(c, id);
}

function detailsOf(model: SandboxModel): object {
  return {
    id: model.id,
    name: model.id,
    created: 1773331200,
    context_length: model.contextLength,
    architecture: {
      input_modalities: ["text"],
      output_modalities: ["text"],
      modality: "text->text",
      tokenizer: "Other",
      instruct_type: null,
    },
    supported_parameters: ["max_tokens", "temperature", "top_p", "stream", "tools", "tool_choice"],
    pricing: { prompt: "0", completion: "0" },
  };
}

function unknownModel(c: Context<SandboxEnv>, id: string): Response {
  const message = `The model ${id} does not exist.`;
  const error = { message, type: "invalid_request_error", code: "model_not_found" };
  return c.json({ error }, 404);
}

function keyRefusal(context: SandboxContext, c: Context<SandboxEnv>): Response | undefined {
  const [, key] = /^Bearer\s+(\S+)$/.exec(c.req.header("Authorization") ?? "") ?? [];
  if (key !== undefined && (context.apiKey === undefined || key === context.apiKey)) {
    return undefined;
  }
  const message = key === undefined ? "missing_api_key" : "Invalid API key provided";
  return c.json(errorBody(c.req.path, 401, message), 401);
}

async function chat(
  context: SandboxContext,
  format: ChatFormat,
  c: Context<SandboxEnv>,
): Promise<Response> {
  const refused = keyRefusal(context, c);
  if (refused) return refused;
  const given = c.get("body");
  if (given === undefined) {
    const error = {
      message: "Invalid JSON format",
      type: "invalid_request_error",
      code: "invalid_json",
    };
    return c.json({ error }, 400);
  }
  const { rule, read } = CHAT_BODIES[format];
  const objection = objectionTo(rule, given, "");
  if (objection !== undefined) return refuse(c, 400, objection);
  const request = read(given);
  const model = MODELS.find((one) => one.id === request.model);
  if (!model) return unknownModel(c, request.model);
  const answer = answerTo(request, model);
  if (answer.promptTokens > model.contextLength) {
    const message = `This model's maximum context length is ${model.contextLength} tokens; the request has ${answer.promptTokens}.`;
    return refuse(c, 400, message);
  }
  const record = c.get("record");
  record.charged = true;
  const id = `${format === "openai" ? "chatcmpl-" : "msg_"}${uuidV7(context.clock.now())}`;
  record.requestId = id;
  await pause(context, FIRST_TOKEN_MS);
  if (request.stream) return await stream(context, c, { format, id, answer });
  await pause(context, MS_PER_TOKEN * (answer.tokens.length + answer.reasoning.length));
  return c.json(wholeReply(format, { id, answer, now: context.clock.now() }));
}

async function stream(
  context: SandboxContext,
  c: Context<SandboxEnv>,
  reply: { format: ChatFormat; id: string; answer: Answer },
): Promise<Response> {
  const spoil = c.get("spoil");
  // Nothing of it is meant to be seen.
  if (spoil !== undefined && spoil !== "truncate") return c.body("data: [DONE]\n\n");
  const { outgoing } = c.env;
  const fault = context.faults.take("stream", c.get("occasion"));
  const events = [...writeEvents(reply.format, { ...reply, now: context.clock.now() })];
  const cutAt = spoil ? Math.ceil(events.length / 2) : undefined;
  const endsAt = fault ? Math.min(events.length, fault.after ?? 3) : cutAt;
  outgoing.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  c.get("record").status = 200;
  const perPiece = Math.max(1, Math.ceil((MIN_PAUSE_MS * context.speed) / MS_PER_TOKEN));
  for (let at = 0; at < (endsAt ?? events.length); at += perPiece) {
    if (outgoing.destroyed) return RESPONSE_ALREADY_SENT;
    const piece = events.slice(at, Math.min(at + perPiece, endsAt ?? events.length)).join("");
    if (!outgoing.write(piece)) await drained(outgoing);
    const goesOn = await pause(context, MS_PER_TOKEN * perPiece).then(
      () => true,
      () => false,
    );
    if (!goesOn) return hangUp(c);
  }
  if (fault) return await breakOff(c, fault);
  if (endsAt !== undefined) return hangUp(c);
  outgoing.end();
  return RESPONSE_ALREADY_SENT;
}

/** How a stream ends that was not let come to its end. */
async function breakOff(c: Context<SandboxEnv>, fault: FaultOf<"stream">): Promise<Response> {
  const { outgoing } = c.env;
  switch (fault.kind) {
    case "stream-cut":
      return hangUp(c);
    case "stream-stall":
      if (!outgoing.destroyed) await new Promise((resolve) => outgoing.once("close", resolve));
      return hangUp(c);
    case "stream-error": {
      const error = JSON.stringify(errorBody(c.req.path, 500, "The model worker stopped."));
      outgoing.end(`data: ${error}\n\n`);
      return RESPONSE_ALREADY_SENT;
    }
  }
}

function drained(outgoing: Context<SandboxEnv>["env"]["outgoing"]): Promise<void> {
  return new Promise((resolve) => {
    outgoing.once("drain", resolve);
    outgoing.once("close", resolve);
  });
}

async function pause({ clock, speed, closing }: SandboxContext, ms: number): Promise<void> {
  await delay(clock, ms / speed, closing);
}
