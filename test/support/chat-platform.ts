import type { ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { createRedact } from "../../src/core/redact.ts";
import type { ChatFormat, ChatRequest } from "../../src/gateway/chat-body.ts";
import type { ChatDelta } from "../../src/gateway/chat-delta.ts";
import type { ChatOutcome } from "../../src/gateway/chat-outcome.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { LongcatClient } from "../../src/gateway/longcat.ts";
import { rawServer } from "./raw-server.ts";

export const KEY = "key-0123456789abcdef";

export function client(origin: string, apiKey: string | undefined = KEY, clock = systemClock) {
  const http = new HttpClient();
  onTestFinished(() => http.close());
  return new LongcatClient({
    http,
    clock,
    baseUrl: origin,
    apiKey: () => apiKey,
    redact: createRedact([apiKey]),
  });
}

export function request(format: ChatFormat): ChatRequest {
  return {
    format,
    model: "LongCat-2.0-Preview",
    messages: [{ role: "user", content: ["Hello"] }],
  };
}

export interface Heard {
  outcome: ChatOutcome;
  text: string;
  reasoning: string;
  deltas: ChatDelta[];
  accepted: number;
}

export async function ask(origin: string, format: ChatFormat = "openai"): Promise<Heard> {
  const deltas: ChatDelta[] = [];
  let accepted = 0;
  const outcome = await client(origin).chat(
    request(format),
    {
      accepted: async () => {
        accepted++;
      },
      delta: (one) => deltas.push(one),
    },
    new AbortController().signal,
  );
  return {
    outcome,
    text: deltas.map((one) => one.text).join(""),
    reasoning: deltas.map((one) => one.reasoning).join(""),
    deltas,
    accepted,
  };
}

export const SSE = { "content-type": "text/event-stream" };

/** A platform that answers exactly these pieces, each in a write of its own. */
export async function saying(
  pieces: readonly (string | Buffer)[],
  headers: Record<string, string> = SSE,
): Promise<string> {
  const { origin } = await rawServer((_hit, response) => writeAll(response, pieces, headers));
  return origin;
}

export async function writeAll(
  response: ServerResponse,
  pieces: readonly (string | Buffer)[],
  headers: Record<string, string>,
): Promise<void> {
  response.writeHead(200, headers);
  for (const piece of pieces) {
    await new Promise((resolve) => response.write(piece, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

export const chunk = (content: string, finish: string | null = null) =>
  JSON.stringify({
    id: "chatcmpl-123",
    object: "chat.completion.chunk",
    created: 1677652288,
    model: "LongCat-2.0-Preview",
    choices: [{ index: 0, delta: { content }, finish_reason: finish }],
  });

/** The stream of the documentation, character by character. */
export const DOCUMENTED_OPENAI = `data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1677652288,"model":"LongCat-2.0-Preview","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1677652288,"model":"LongCat-2.0-Preview","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}

data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1677652288,"model":"LongCat-2.0-Preview","choices":[{"index":0,"delta":{"content":"!"},"finish_reason":null}]}

data: [DONE]
`;

export const DOCUMENTED_ANTHROPIC = `event: message_start
data: {"type": "message_start", "message": {"id": "msg_123", "type": "message", "role": "assistant", "content": [], "model": "LongCat-2.0-Preview", "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 10, "output_tokens": 0}}}

event: content_block_start
data: {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}

event: content_block_delta
data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}

event: content_block_delta
data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "!"}}

event: content_block_stop
data: {"type": "content_block_stop", "index": 0}

event: message_delta
data: {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 8}}

event: message_stop
data: {"type": "message_stop"}
`;
