import type { ServerResponse } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { createRedact } from "../../src/core/redact.ts";
import type { ChatFormat, ChatRequest } from "../../src/gateway/chat-body.ts";
import type { ChatDelta } from "../../src/gateway/chat-delta.ts";
import type { ChatOutcome } from "../../src/gateway/chat-outcome.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { LongcatClient } from "../../src/gateway/longcat.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type Answer, deadOrigin, json, rawServer, tcpServer } from "../support/raw-server.ts";

const KEY = "key-0123456789abcdef";

function client(origin: string, apiKey: string | undefined = KEY, clock = systemClock) {
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

function request(format: ChatFormat): ChatRequest {
  return {
    format,
    model: "LongCat-2.0-Preview",
    messages: [{ role: "user", content: ["Hello"] }],
  };
}

interface Heard {
  outcome: ChatOutcome;
  text: string;
  reasoning: string;
  deltas: ChatDelta[];
  accepted: number;
}

async function ask(origin: string, format: ChatFormat = "openai"): Promise<Heard> {
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

const SSE = { "content-type": "text/event-stream" };

/** A platform that answers exactly these pieces, each in a write of its own. */
async function saying(
  pieces: readonly (string | Buffer)[],
  headers: Record<string, string> = SSE,
): Promise<string> {
  const { origin } = await rawServer((_hit, response) => writeAll(response, pieces, headers));
  return origin;
}

async function writeAll(
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

const chunk = (content: string, finish: string | null = null) =>
  JSON.stringify({
    id: "chatcmpl-123",
    object: "chat.completion.chunk",
    created: 1677652288,
    model: "LongCat-2.0-Preview",
    choices: [{ index: 0, delta: { content }, finish_reason: finish }],
  });

/** The stream of the documentation, character by character. */
const DOCUMENTED_OPENAI = `data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1677652288,"model":"LongCat-2.0-Preview","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1677652288,"model":"LongCat-2.0-Preview","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}

data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1677652288,"model":"LongCat-2.0-Preview","choices":[{"index":0,"delta":{"content":"!"},"finish_reason":null}]}

data: [DONE]
`;
const DOCUMENTED_ANTHROPIC = `event: message_start
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

describe("a request", () => {
  it.each([
    ["openai", "/openai/v1/chat/completions"],
    ["anthropic", "/anthropic/v1/messages"],
  ] as const)(
    "in the %s format is one POST to its path with the key as a bearer",
    async (format, path) => {
      const server = await rawServer((_hit, response) =>
        writeAll(response, ["data: [DONE]\n\n"], SSE),
      );
      await ask(server.origin, format);
      expect(server.hits).toHaveLength(1);
      const [hit] = server.hits;
      expect(hit).toMatchObject({
        method: "POST",
        path,
        headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      });
      expect(hit?.headers).not.toHaveProperty("x-api-key");
      expect(Number(hit?.headers["content-length"])).toBe(Buffer.byteLength(hit?.body ?? ""));
      expect(JSON.parse(hit?.body ?? "")).toEqual({
        model: "LongCat-2.0-Preview",
        stream: true,
        messages: [{ role: "user", content: "Hello" }],
      });
    },
  );

  it("is not made without a key", async () => {
    const server = await rawServer((_hit, response) => json(response, 200, {}));
    const unset = new LongcatClient({
      http: new HttpClient(),
      clock: systemClock,
      baseUrl: server.origin,
      apiKey: () => undefined,
      redact: createRedact([]),
    });
    const listener = { accepted: async () => {}, delta: () => {} };
    await expect(
      unset.chat(request("openai"), listener, new AbortController().signal),
    ).rejects.toMatchObject({
      code: "configuration",
      next: expect.stringContaining("LONGCAT_API_KEY"),
    });
    expect(server.hits).toHaveLength(0);
  });
});

describe("a stream", () => {
  it.each([
    ["openai", DOCUMENTED_OPENAI],
    ["anthropic", DOCUMENTED_ANTHROPIC],
  ] as const)("as the documentation prints it for %s is read", async (format, bytes) => {
    const heard = await ask(await saying([bytes]), format);
    expect(heard.text).toBe("Hello!");
    expect(heard.outcome).toEqual({ kind: "ended", marked: true });
    expect(heard.accepted).toBe(1);
  });

  it("tells what Anthropic's events count", async () => {
    const { deltas } = await ask(await saying([DOCUMENTED_ANTHROPIC]), "anthropic");
    expect(deltas[0]).toMatchObject({ model: "LongCat-2.0-Preview", inputTokens: 10 });
    const counted = { finishReason: "end_turn", outputTokens: 8 };
    expect(deltas).toContainEqual(expect.objectContaining(counted));
  });

  it.each([
    ["a space behind the colon", [`data: ${chunk("Hé", "stop")}\n\ndata: [DONE]\n\n`]],
    ["no space behind the colon", [`data:${chunk("Hé", "stop")}\n\ndata:[DONE]\n\n`]],
    ["CRLF", [`data: ${chunk("Hé", "stop")}\r\n\r\ndata: [DONE]\r\n\r\n`]],
    [
      "CRLF split between the two",
      [`data: ${chunk("Hé", "stop")}\r`, "\n\r", "\ndata: [DONE]\r\n\r\n"],
    ],
    ["a byte order mark", [`\uFEFFdata: ${chunk("Hé", "stop")}\n\ndata: [DONE]\n\n`]],
    [
      "comments",
      [`: ping\n\ndata: ${chunk("Hé", "stop")}\n\n: OPENROUTER PROCESSING\n\ndata: [DONE]\n\n`],
    ],
    [
      "pings and ids",
      [
        `event: ping\ndata: {}\n\nid: 7\nretry: 10\ndata: ${chunk("Hé", "stop")}\n\ndata: [DONE]\n\n`,
      ],
    ],
    ["no [DONE]", [`data: ${chunk("Hé", "stop")}\n\n`]],
    ["no empty line at the end", [`data: ${chunk("Hé", "stop")}\n`]],
    ["no end of line at the end", [`data: ${chunk("Hé", "stop")}`]],
    [
      "every byte by itself",
      [...Buffer.from(`data: ${chunk("Hé", "stop")}\n\n`)].map((byte) => Buffer.from([byte])),
    ],
    ["an event that is no JSON", [`data: {"half":\n\ndata: ${chunk("Hé", "stop")}\n\n`]],
  ])("with %s is read", async (_name, pieces) => {
    const { text, outcome } = await ask(await saying(pieces));
    expect(text).toBe("Hé");
    expect(outcome).toEqual({ kind: "ended", marked: true });
  });

  it("keeps characters whole that come in two pieces", async () => {
    const bytes = Buffer.from(`data: ${chunk("鯨🐋é")}\n\ndata: [DONE]\n\n`);
    for (const at of [bytes.indexOf("鯨") + 1, bytes.indexOf("🐋") + 2, bytes.indexOf("é") + 1]) {
      const origin = await saying([bytes.subarray(0, at), bytes.subarray(at)]);
      expect((await ask(origin)).text).toBe("鯨🐋é");
    }
  });

  it("without an end mark is an end, but not a sure one", async () => {
    const { text, outcome } = await ask(await saying([`data: ${chunk("Hello")}\n\n`]));
    expect(text).toBe("Hello");
    expect(outcome).toEqual({ kind: "ended", marked: false });
  });

  it("is over at [DONE], whatever the platform does with the connection", async () => {
    const { origin } = await rawServer((_hit, response) => {
      response.writeHead(200, SSE);
      response.write(`data: ${chunk("Hello")}\n\ndata: [DONE]\n\n`);
    });
    expect(await ask(origin)).toMatchObject({ text: "Hello", outcome: { kind: "ended" } });
  });

  it.each([
    ["null", null, ""],
    ["absent", undefined, ""],
    [
      "blocks",
      [
        { type: "text", text: "He" },
        { type: "text", text: "llo" },
      ],
      "Hello",
    ],
    ["a list of strings", ["He", "llo"], "Hello"],
    ["a number", 7, ""],
  ])("whose content is %s is read", async (_name, content, expected) => {
    const event = JSON.stringify({ choices: [{ delta: { content }, finish_reason: "stop" }] });
    const { text, outcome } = await ask(await saying([`data: ${event}\n\ndata: [DONE]\n\n`]));
    expect(text).toBe(expected);
    expect(outcome).toEqual({ kind: "ended", marked: true });
  });

  it("has its reasoning apart, in both formats", async () => {
    const openai = `data: ${JSON.stringify({ choices: [{ delta: { reasoning_content: "Hm" } }] })}\n\ndata: ${chunk("Yes")}\n\n`;
    expect(await ask(await saying([openai]))).toMatchObject({ text: "Yes", reasoning: "Hm" });
    const thinking = `data: ${JSON.stringify({ type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Hm" } })}\n\n`;
    const heard = await ask(await saying([thinking, DOCUMENTED_ANTHROPIC]), "anthropic");
    expect(heard).toMatchObject({ text: "Hello!", reasoning: "Hm" });
  });

  it("may have usage in a chunk without choices, or nowhere", async () => {
    const usage = JSON.stringify({
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 2 },
    });
    const { deltas } = await ask(await saying([`data: ${chunk("Hi")}\n\ndata: ${usage}\n\n`]));
    expect(deltas.at(-1)).toMatchObject({ inputTokens: 3, outputTokens: 2 });
    const without = await ask(await saying([`data: ${chunk("Hi")}\n\n`]));
    expect(without.deltas.every((one) => one.outputTokens === undefined)).toBe(true);
  });

  it("that breaks off keeps what came", async () => {
    const { origin } = await rawServer((_hit, response) => {
      response.writeHead(200, SSE);
      response.write(`data: ${chunk("Hel")}\n\n`, () => response.destroy());
    });
    const { text, outcome } = await ask(origin);
    expect(text).toBe("Hel");
    expect(outcome).toMatchObject({ kind: "cut", error: { code: "outcome_unknown" } });
  });

  it("that breaks off within an event does not take half of it", async () => {
    const { origin } = await rawServer((_hit, response) => {
      response.writeHead(200, SSE);
      response.write(`data: ${chunk("Hel")}\n\ndata: {"choices":[{"del`, () => response.destroy());
    });
    expect(await ask(origin)).toMatchObject({ text: "Hel", outcome: { kind: "cut" } });
  });

  it.each([
    [
      `data: {"error":{"message":"Worker died","type":"server_error","code":500}}\n\n`,
      "upstream_unavailable",
    ],
    [
      `event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Worker died"}}\n\n`,
      "upstream_unavailable",
    ],
    [
      `data: {"error":{"message":"Worker died","type":"rate_limit_error","code":"rate_limit_exceeded"}}\n\n`,
      "rate_limited",
    ],
    [`data: {"error":"Worker died"}\n\n`, "upstream_unavailable"],
  ])("with the error %s in it breaks off there", async (error, code) => {
    const { text, outcome } = await ask(await saying([`data: ${chunk("Hel")}\n\n`, error]));
    expect(text).toBe("Hel");
    expect(outcome).toMatchObject({
      kind: "cut",
      error: { code, message: expect.stringContaining("Worker died") },
    });
  });

  it("that echoes the key does not show it", async () => {
    const { text } = await ask(await saying([`data: ${chunk(`You sent ${KEY}`)}\n\n`]));
    expect(text).toBe("You sent [key removed]");
  });

  it.each(["content", "reasoning_content"])(
    "that echoes the key in pieces of %s does not show it, wherever they are cut",
    async (field) => {
      const event = (piece: string) =>
        `data: ${JSON.stringify({ choices: [{ delta: { [field]: piece } }] })}\n\n`;
      const said = `You sent ${KEY}, key-01`;
      const shown = "You sent [key removed], key-01";
      for (let at = 1; at < said.length; at++) {
        const pieces = [said.slice(0, at), said.slice(at)];
        const { text, reasoning } = await ask(await saying(pieces.map(event)));
        expect(text + reasoning, pieces.join(" | ")).toBe(shown);
      }
      const { text, reasoning } = await ask(await saying([...said].map(event)));
      expect(text + reasoning).toBe(shown);
    },
  );

  it("that echoes the key with unseen characters in it does not show it", async () => {
    const { text } = await ask(await saying([`data: ${chunk(KEY.replace("-", "\u202e-"))}\n\n`]));
    expect(text).toBe("[key removed]");
  });

  it("that is cut keeps what looked like the beginning of the key", async () => {
    const { origin } = await rawServer((_hit, response) => {
      response.writeHead(200, SSE);
      response.write(`data: ${chunk("A monk")}\n\n`, () => response.destroy());
    });
    expect(await ask(origin)).toMatchObject({ text: "A monk", outcome: { kind: "cut" } });
  });

  it.each(["openai", "anthropic"] as const)(
    "names its model and its end in words that are safe to show (%s)",
    async (format) => {
      const odd = `a\u202eb\n${KEY}\u0007 ${"long ".repeat(100)}`;
      const event =
        format === "openai"
          ? { model: odd, choices: [{ delta: { content: "Hi" }, finish_reason: odd }] }
          : { type: "message", model: odd, content: "Hi", stop_reason: odd };
      const { deltas } = await ask(await saying([`data: ${JSON.stringify(event)}\n\n`]), format);
      for (const word of [deltas[0]?.model, deltas[0]?.finishReason]) {
        expect(word).toMatch(/^ab \[key removed\] (long )+/);
        expect(word?.length).toBeLessThanOrEqual(101);
      }
    },
  );
});

describe("an answer that is not streamed", () => {
  it.each([
    [
      "openai",
      `{"id":"chatcmpl-123","object":"chat.completion","created":1677652288,"model":"LongCat-2.0-Preview","choices":[{"index":0,"message":{"role":"assistant","content":"Hello!"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":15,"total_tokens":35}}`,
      { inputTokens: 20, outputTokens: 15, finishReason: "stop" },
    ],
    [
      "anthropic",
      `{"id":"msg_123","type":"message","role":"assistant","content":[{"type":"text","text":"Hello!"}],"model":"LongCat-2.0-Preview","stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":8}}`,
      { inputTokens: 10, outputTokens: 8, finishReason: "end_turn" },
    ],
  ] as const)("is read all the same (%s)", async (format, body, facts) => {
    const origin = await saying([`\n ${body.slice(0, 40)}`, body.slice(40)], {
      "content-type": "application/json",
    });
    const { text, deltas, outcome } = await ask(origin, format);
    expect(text).toBe("Hello!");
    expect(deltas[0]).toMatchObject(facts);
    expect(outcome).toEqual({ kind: "ended", marked: true });
  });

  it("has its thinking beside the text of the same block", async () => {
    const body = { type: "message", content: [{ type: "text", text: "Yes", thinking: "Hm" }] };
    const origin = await saying([JSON.stringify(body)], { "content-type": "application/json" });
    expect(await ask(origin, "anthropic")).toMatchObject({ text: "Yes", reasoning: "Hm" });
  });

  it.each([
    ["a page", "<!doctype html><title>Please wait</title>"],
    ["a line of text", "database not reachable"],
  ])("is no answer if it is %s", async (_name, body) => {
    for (const pieces of [[body], [...body]]) {
      const { outcome } = await ask(await saying(pieces, { "content-type": "text/html" }));
      expect(outcome).toMatchObject({ kind: "refused", error: { code: "bad_upstream_reply" } });
    }
  });

  it("is refused if it is an error object", async () => {
    const { outcome } = await ask(await saying(['{"error":{"message":"no","code":400}}']));
    expect(outcome).toMatchObject({ kind: "cut", error: { code: "upstream_rejected" } });
  });
});

describe("an answer that was accepted", () => {
  const role = `data: ${JSON.stringify({ choices: [{ delta: { role: "assistant", content: "" }, finish_reason: null }] })}\n\n`;

  it.each([
    ["nothing", ""],
    ["blank lines", "\n\n"],
    ["JSON that is cut", '{"choices":[{"mess'],
    ["an event that is cut", 'data: {"choices":[{"del'],
    ["the first letters of an event", "da"],
    ["a role", role],
    ["comments", ": ping\n\n: ping\n\n"],
    ["pings", 'event: ping\ndata: {"type": "ping"}\n\n'],
    ["a message that only starts", DOCUMENTED_ANTHROPIC.split("event: content_block_start")[0]],
  ])("and ends with %s leaves open what became of it", async (_name, body = "") => {
    const { outcome, accepted } = await ask(await saying(body === "" ? [] : [body]));
    expect(outcome).toMatchObject({ kind: "uncertain", error: { code: "outcome_unknown" } });
    expect(accepted).toBe(1);
  });

  it.each([
    ["[DONE]", `${role}data: [DONE]\n\n`],
    ["a finish reason", `data: ${chunk("", "length")}\n\n`],
    ["a message's stop", 'event: message_stop\ndata: {"type": "message_stop"}\n\n'],
    ["JSON without a word", '{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}'],
  ])("and ends with %s is empty", async (_name, body) => {
    const { text, outcome } = await ask(await saying([body]));
    expect(text).toBe("");
    expect(outcome).toEqual({ kind: "ended", marked: true });
  });

  it("is whole if it breaks off after the reason why it ended", async () => {
    const { origin } = await rawServer((_hit, response) => {
      response.writeHead(200, SSE);
      response.write(`data: ${chunk("Whole", "stop")}\n\n`, () => response.destroy());
    });
    const { text, outcome } = await ask(origin);
    expect(text).toBe("Whole");
    expect(outcome).toEqual({ kind: "ended", marked: true });
  });
});

describe("a refusal", () => {
  const refusing = async (
    status: number,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Heard> => {
    const { origin } = await rawServer((_hit, response) => json(response, status, body, headers));
    return ask(origin);
  };
  const x4 = (message: string, type: string, code: string | number) => ({
    error: { message, type, code },
  });

  it.each([
    [
      "401 for a wrong key",
      401,
      x4("Invalid API key provided", "authentication_error", "invalid_api_key"),
      "unauthorized",
    ],
    [
      "401 for a missing key",
      401,
      {
        error: {
          code: "invalid_api_key",
          message: "missing_api_key",
          type: "authentication_error",
        },
      },
      "unauthorized",
    ],
    [
      "402",
      402,
      x4("Insufficient token quota", "permission_error", "insufficient_quota"),
      "insufficient_credit",
    ],
    [
      "403 for the quota",
      403,
      x4("API key has insufficient quota", "permission_error", "insufficient_quota"),
      "insufficient_credit",
    ],
    ["403 otherwise", 403, x4("Not yours", "permission_error", "forbidden"), "forbidden"],
    [
      "400",
      400,
      x4("json format error", "invalid_request_error", "invalid_format"),
      "upstream_rejected",
    ],
    [
      "400 in Anthropic's own form",
      400,
      { type: "error", error: { type: "invalid_request_error", message: "json format error" } },
      "upstream_rejected",
    ],
    [
      "404 for a model",
      404,
      x4("Model not found", "invalid_request_error", "model_not_found"),
      "upstream_rejected",
    ],
    ["a redirect", 307, "", "bad_upstream_reply"],
  ])("with %s ends it", async (_name, status, body, code) => {
    const { outcome, accepted } = await refusing(status, body);
    expect(outcome).toMatchObject({ kind: "refused", error: { code } });
    expect(accepted).toBe(0);
  });

  it("with a page for 404 says that the base URL is likely wrong", async () => {
    const { outcome } = await refusing(
      404,
      "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body><center>openresty</center></body></html>",
      { "content-type": "text/html" },
    );
    expect(outcome).toMatchObject({
      kind: "refused",
      error: { code: "configuration", next: expect.stringContaining("LONGCAT_BASE_URL") },
    });
  });

  it.each([429, 403])("with %i that speaks of a quota is about money at once", async (status) => {
    const { outcome } = await refusing(status, x4("No", "permission_error", "insufficient_quota"));
    expect(outcome).toMatchObject({
      kind: "refused",
      error: {
        code: "insufficient_credit",
        message: expect.stringMatching(/LONGCAT_API_KEY.*LongCat/),
        next: expect.stringMatching(/LONGCAT_API_KEY.*LongCat/),
      },
    });
  });

  it("inside an answer that said 200 keeps the provider's words", async () => {
    for (const error of [
      x4("The GPU is on fire", "server_error", 500).error,
      "The GPU is on fire",
    ]) {
      const { outcome } = await refusing(200, { error });
      expect(outcome).toMatchObject({
        error: { message: expect.stringContaining("The GPU is on fire") },
      });
    }
  });

  it.each([
    ["in the text only", {}, "Rate limit exceeded. Please try again in 60 seconds", undefined],
    ["in the body", {}, "Slow down", 60],
    ["in the header", { "retry-after": "60" }, "Slow down", undefined],
  ])("with 429 may be sent again after the seconds %s", async (_name, headers, message, field) => {
    const error = { message, type: "rate_limit_error", code: "rate_limit_exceeded" };
    const body = { error: field === undefined ? error : { ...error, retry_after: field } };
    const { outcome } = await refusing(429, body, headers);
    expect(outcome).toMatchObject({
      kind: "not_taken",
      error: { code: "rate_limited", retryAfterMs: 60_000 },
    });
  });

  it("with 503 may be sent again", async () => {
    const { outcome } = await refusing(503, "<h1>Service Unavailable</h1>");
    expect(outcome).toMatchObject({ kind: "not_taken", error: { code: "upstream_unavailable" } });
  });

  it.each([
    [
      "500 with a numeric code",
      500,
      {
        error: {
          object: "error",
          message: "boom",
          type: "InternalServerError",
          param: null,
          code: 500,
          ext: {},
        },
      },
    ],
    ["502 with a page", 502, "<html>Bad Gateway</html>"],
    ["504", 504, ""],
  ])("with %s leaves open what became of it", async (_name, status, body) => {
    const { outcome } = await refusing(status, body);
    expect(outcome).toMatchObject({ kind: "uncertain", error: { code: "outcome_unknown" } });
  });

  it("quotes the provider without the key", async () => {
    const { outcome } = await refusing(400, x4(`no such key: ${KEY}`, "x", "y"));
    expect(JSON.stringify(outcome) + String("error" in outcome && outcome.error.message)).toContain(
      "[key removed]",
    );
  });
});

describe("a connection", () => {
  it("that is never made lets the turn be sent again", async () => {
    const { outcome } = await ask(await deadOrigin());
    expect(outcome).toMatchObject({ kind: "not_taken", error: { code: "upstream_unavailable" } });
  });

  it("that breaks before the answer leaves open what became of it", async () => {
    const { origin } = await tcpServer((socket) => socket.once("data", () => socket.destroy()));
    const { outcome } = await ask(origin);
    expect(outcome).toMatchObject({ kind: "uncertain", error: { code: "outcome_unknown" } });
  });
});

describe("models", () => {
  const answering = async (answer: Answer, clock = new FakeClock()) => {
    const server = await rawServer(answer);
    return { server, longcat: client(server.origin, KEY, clock), clock };
  };

  it.each(["openai", "anthropic"] as const)("are listed in the %s format", async (format) => {
    const { server, longcat } = await answering((_hit, response) =>
      json(response, 200, {
        object: "list",
        data: [{ id: "LongCat-2.0-Preview", object: "model", owned_by: "LongCat" }, { name: "x" }],
      }),
    );
    expect(await longcat.models(format)).toEqual([
      expect.objectContaining({ id: "LongCat-2.0-Preview", ownedBy: "LongCat" }),
    ]);
    expect(server.hits[0]).toMatchObject({
      method: "GET",
      path: `/${format}/v1/models`,
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    });
  });

  it("tell what the documentation's example tells", async () => {
    const { server, longcat } = await answering((_hit, response) =>
      json(response, 200, {
        id: "LongCat-2.0-Preview",
        name: "LongCat-2.0-Preview",
        created: 1773331200,
        context_length: 1048576,
        architecture: { input_modalities: ["text"], instruct_type: null },
        supported_parameters: ["max_tokens", "tools"],
        pricing: { prompt: "0", completion: "0.0000012" },
      }),
    );
    expect(await longcat.models("openai", "a/../b")).toEqual([
      {
        id: "LongCat-2.0-Preview",
        name: "LongCat-2.0-Preview",
        ownedBy: undefined,
        createdAt: 1773331200000,
        contextLength: 1048576,
        inputModalities: ["text"],
        supportedParameters: ["max_tokens", "tools"],
        promptPriceUsd: 0,
        completionPriceUsd: 0.0000012,
      },
    ]);
    expect(server.hits[0]?.path).toBe("/openai/v1/models/a%2F..%2Fb");
  });

  it("need no more than an id", async () => {
    const { longcat } = await answering((_hit, response) =>
      json(response, 200, { id: "m", context_length: "many", pricing: null, created: null }),
    );
    const [model] = await longcat.models("openai", "m");
    expect(model?.id).toBe("m");
    expect(model?.contextLength).toBeUndefined();
  });

  it("are asked for once a minute", async () => {
    const { server, longcat, clock } = await answering((_hit, response) =>
      json(response, 200, { data: [{ id: "m" }] }),
    );
    await longcat.models("openai");
    await longcat.models("openai");
    expect(server.hits).toHaveLength(1);
    await clock.advance(60_000);
    await longcat.models("openai");
    expect(server.hits).toHaveLength(2);
  });

  it.each([
    [404, { error: { message: "no such model" } }, "not_found"],
    [404, "<title>404 Not Found</title>", "configuration"],
    [401, { error: { message: "bad key" } }, "unauthorized"],
    [500, "", "upstream_unavailable"],
    [200, "[1", "bad_upstream_reply"],
  ])("answered with %s %j are %s", async (status, body, code) => {
    const { longcat } = await answering((_hit, response) => json(response, status, body));
    await expect(longcat.models("openai", "m")).rejects.toMatchObject({ code });
  });
});
