import type { ChatFormat } from "./chat-acceptance.ts";
import type { Answer } from "./chat-answer.ts";

export interface ChatReply {
  id: string;
  answer: Answer;
  now: number;
}

/** The answer that is not streamed. */
export function wholeReply(format: ChatFormat, { id, answer, now }: ChatReply): object {
  const text = answer.tokens.join("");
  const reasoning = answer.reasoning.join("");
  if (format === "anthropic") {
    const block = { type: "text", text, ...(reasoning === "" ? {} : { thinking: reasoning }) };
    return {
      id,
      type: "message",
      role: "assistant",
      content: [block],
      model: answer.model,
      stop_reason: stopReason(answer),
      stop_sequence: null,
      usage: { input_tokens: answer.promptTokens, output_tokens: spoken(answer) },
    };
  }
  const message = {
    role: "assistant",
    content: text,
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
  };
  return {
    id,
    object: "chat.completion",
    created: Math.floor(now / 1000),
    model: answer.model,
    choices: [{ index: 0, message, finish_reason: finishReason(answer) }],
    usage: openaiUsage(answer),
  };
}

/** The answer as events, each with its empty line. */
export function writeEvents(format: ChatFormat, reply: ChatReply): Generator<string> {
  return format === "openai" ? openaiEvents(reply) : anthropicEvents(reply);
}

/** As the platform writes them: no space behind the colon. */
function* openaiEvents({ id, answer, now }: ChatReply): Generator<string> {
  const created = Math.floor(now / 1000);
  const chunk = (delta: object, finish: string | null, usage?: object) =>
    `data:${JSON.stringify({
      id,
      object: "chat.completion.chunk",
      created,
      model: answer.model,
      choices: [{ index: 0, delta, finish_reason: finish }],
      ...(usage ? { usage } : {}),
    })}\n\n`;
  yield chunk({ role: "assistant", content: "" }, null);
  for (const token of answer.reasoning) yield chunk({ reasoning_content: token }, null);
  for (const token of answer.tokens) yield chunk({ content: token }, null);
  yield chunk({}, finishReason(answer), openaiUsage(answer));
  yield "data: [DONE]\n\n";
}

function* anthropicEvents({ id, answer }: ChatReply): Generator<string> {
  const event = (type: string, rest: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;
  yield event("message_start", {
    message: {
      id,
      type: "message",
      role: "assistant",
      content: [],
      model: answer.model,
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: answer.promptTokens, output_tokens: 0 },
    },
  });
  let index = 0;
  if (answer.reasoning.length > 0) {
    yield event("content_block_start", {
      index,
      content_block: { type: "thinking", thinking: "" },
    });
    for (const thinking of answer.reasoning) {
      yield event("content_block_delta", { index, delta: { type: "thinking_delta", thinking } });
    }
    yield event("content_block_stop", { index });
    index++;
  }
  yield event("content_block_start", { index, content_block: { type: "text", text: "" } });
  yield event("ping", {});
  for (const text of answer.tokens) {
    yield event("content_block_delta", { index, delta: { type: "text_delta", text } });
  }
  yield event("content_block_stop", { index });
  yield event("message_delta", {
    delta: { stop_reason: stopReason(answer), stop_sequence: null },
    usage: { output_tokens: spoken(answer) },
  });
  yield event("message_stop", {});
}

function finishReason({ isCut }: Answer): string {
  return isCut ? "length" : "stop";
}

function stopReason({ isCut }: Answer): string {
  return isCut ? "max_tokens" : "end_turn";
}

function spoken({ tokens, reasoning }: Answer): number {
  return tokens.length + reasoning.length;
}

function openaiUsage(answer: Answer): object {
  const completion = spoken(answer);
  return {
    prompt_tokens: answer.promptTokens,
    completion_tokens: completion,
    total_tokens: answer.promptTokens + completion,
  };
}
