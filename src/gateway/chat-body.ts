/** The two request formats of the chat platform. */
export const CHAT_FORMATS = ["openai", "anthropic"] as const;
export type ChatFormat = (typeof CHAT_FORMATS)[number];

/** Text, or text that is kept elsewhere and read in pieces while it is sent. */
export type ChatText = string | StoredText;

export interface StoredText {
  /** How long the text is as JSON, in bytes, without the quotation marks. */
  jsonBytes: number;
  /** The text in pieces of UTF-8, as {@link escapeJson} leaves it. */
  pieces(): AsyncIterable<Uint8Array>;
}

export interface ChatMessage {
  role: "user" | "assistant";
  content: readonly ChatText[];
}

export interface ChatRequest {
  format: ChatFormat;
  model: string;
  system?: string | undefined;
  messages: readonly ChatMessage[];
  maxTokens?: number | undefined;
  temperature?: number | undefined;
  topP?: number | undefined;
  thinking?: boolean | undefined;
}

/** A request body that can be sent without being held whole. */
export interface ChatBody {
  bytes: number;
  pieces(): AsyncIterable<Uint8Array>;
}

/**
 * The JSON body of a streamed request. `content` is always a string: blocks and null are refused by
 * some of the platform's models.
 */
export function chatBody(request: ChatRequest): ChatBody {
  const { format, model, system, maxTokens, temperature, topP, thinking } = request;
  const options = JSON.stringify({
    model,
    stream: true,
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(thinking === undefined ? {} : { thinking: { type: thinking ? "enabled" : "disabled" } }),
    ...(format === "anthropic" && system !== undefined ? { system } : {}),
  });
  const first =
    format === "openai" && system !== undefined
      ? [`${JSON.stringify({ role: "system", content: system })},`]
      : [];
  const parts: (string | StoredText)[] = [`${options.slice(0, -1)},"messages":[`, ...first];
  for (const [position, { role, content }] of request.messages.entries()) {
    parts.push(`${position > 0 ? "," : ""}{"role":"${role}","content":"`);
    for (const text of content) parts.push(typeof text === "string" ? escaped(text) : text);
    parts.push('"}');
  }
  parts.push("]}");
  return {
    bytes: parts.reduce((sum, part) => sum + sizeOf(part), 0),
    async *pieces() {
      for (const part of parts) {
        if (typeof part === "string") yield Buffer.from(part);
        else yield* part.pieces();
      }
    },
  };
}

/** What stands for a byte inside a JSON string, where it does not stand for itself. */
const ESCAPES: readonly (string | undefined)[] = Array.from({ length: 128 }, (_, code) => {
  const written = escaped(String.fromCharCode(code));
  return written.length > 1 ? written : undefined;
});

/** How much longer UTF-8 may become by {@link escapeJson}, at the most. */
export const ESCAPED_GROWTH = 6;

/**
 * Writes UTF-8 as it stands inside a JSON string, without a detour through strings.
 * @param target with room for `ESCAPED_GROWTH` times the length of `utf8`, from `start`.
 * @returns where it ends in `target`.
 */
export function escapeJson(utf8: Uint8Array, target: Buffer, start: number): number {
  let end = start;
  // By index: an iterator makes an object a byte until it is compiled.
  for (let at = 0; at < utf8.length; at++) {
    const byte = utf8[at] ?? 0;
    const written = ESCAPES[byte];
    if (written === undefined) target[end++] = byte;
    else end += target.write(written, end, "latin1");
  }
  return end;
}

function sizeOf(part: string | StoredText): number {
  return typeof part === "string" ? Buffer.byteLength(part) : part.jsonBytes;
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
