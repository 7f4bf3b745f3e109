import { describe, expect, it } from "vitest";
import {
  ask,
  chunk,
  DOCUMENTED_ANTHROPIC,
  DOCUMENTED_OPENAI,
  KEY,
  SSE,
  saying,
} from "../support/chat-platform.ts";
import { rawServer } from "../support/raw-server.ts";

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
