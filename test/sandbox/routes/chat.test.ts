import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  type Sandbox,
  type SandboxOptions,
  startSandbox,
} from "../../../src/sandbox/sandbox-server.ts";

const KEY = "chat-key";
const MODEL = "LongCat-2.0-Preview";

async function open(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ speed: 1000, apiKey: KEY, ...options });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

function send(
  sandbox: Sandbox,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(sandbox.origin + path, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      authorization: `Bearer ${KEY}`,
      "content-type": "application/json",
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}

const OPENAI = "/openai/v1/chat/completions";
const ANTHROPIC = "/anthropic/v1/messages";
const ask = (content: string, more: object = {}) => ({
  model: MODEL,
  messages: [{ role: "user", content }],
  ...more,
});

describe("the official OpenAI client", () => {
  const client = ({ origin }: Sandbox, apiKey = KEY) =>
    new OpenAI({ baseURL: `${origin}/openai/v1`, apiKey, maxRetries: 0 });

  it("gets an answer that shows what was asked", async () => {
    const reply = await client(await open()).chat.completions.create({
      model: MODEL,
      messages: [
        { role: "system", content: "Be kind." },
        { role: "user", content: "First?" },
        { role: "assistant", content: "Yes." },
        { role: "user", content: "Second?" },
      ],
      temperature: 0.7,
    });
    const [choice] = reply.choices;
    expect(choice?.finish_reason).toBe("stop");
    expect(choice?.message.content).toContain('You asked: "Second?"');
    expect(choice?.message.content).toContain('I was told: "Be kind."');
    expect(choice?.message.content).toContain('Before, you asked: "First?"');
    expect(reply.usage?.total_tokens).toBe(
      (reply.usage?.prompt_tokens ?? 0) + (reply.usage?.completion_tokens ?? 0),
    );
  });

  it("gets it as a stream", async () => {
    const sandbox = await open();
    const stream = await client(sandbox).chat.completions.create({
      model: MODEL,
      messages: [{ role: "user", content: "Streamed?" }],
      stream: true,
    });
    const pieces: string[] = [];
    let finish: string | null = null;
    for await (const chunk of stream) {
      pieces.push(chunk.choices[0]?.delta.content ?? "");
      finish = chunk.choices[0]?.finish_reason ?? finish;
    }
    expect(pieces.filter(Boolean).length).toBeGreaterThan(5);
    expect(pieces.join("")).toContain('You asked: "Streamed?"');
    expect(finish).toBe("stop");
    expect(sandbox.requests()).toMatchObject([{ path: OPENAI, status: 200, charged: true }]);
  });

  it("may send tools, a tool's answer, and lists models", async () => {
    const openai = client(await open());
    const reply = await openai.chat.completions.create({
      model: MODEL,
      messages: [
        { role: "user", content: "Weather?" },
        {
          role: "assistant",
          content: "",
          tool_calls: [{ id: "1", type: "function", function: { name: "w", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "1", content: "Sunny" },
      ],
      tools: [{ type: "function", function: { name: "w", parameters: {} } }],
      tool_choice: "auto",
    });
    expect(reply.choices[0]?.message.content).toBeTruthy();
    const models = await openai.models.list();
    expect(models.data.map(({ id }) => id)).toContain(MODEL);
    expect(await openai.models.retrieve(MODEL)).toMatchObject({
      id: MODEL,
      context_length: 1_048_576,
      pricing: { prompt: "0", completion: "0" },
    });
    await expect(openai.models.retrieve("nothing")).rejects.toMatchObject({ status: 404 });
  });

  it("is told of a wrong key and of a limit in their own words", async () => {
    const sandbox = await open();
    await expect(client(sandbox, "wrong").models.list()).rejects.toMatchObject({
      status: 401,
      code: "invalid_api_key",
      type: "authentication_error",
    });
    sandbox.faults.add({ kind: "status", status: 429 });
    await expect(
      client(sandbox).chat.completions.create({ model: MODEL, messages: [] }),
    ).rejects.toMatchObject({ status: 429, code: "rate_limit_exceeded" });
  });
});

describe("the official Anthropic client", () => {
  const client = ({ origin }: Sandbox) =>
    new Anthropic({ baseURL: `${origin}/anthropic`, authToken: KEY, apiKey: null, maxRetries: 0 });

  it("gets an answer", async () => {
    const reply = await client(await open()).messages.create({
      model: MODEL,
      max_tokens: 1000,
      system: "Be kind.",
      messages: [{ role: "user", content: [{ type: "text", text: "In blocks?" }] }],
    });
    expect(reply.stop_reason).toBe("end_turn");
    expect(JSON.stringify(reply.content)).toContain("In blocks?");
    expect(JSON.stringify(reply.content)).toContain("Be kind.");
    expect(reply.usage.output_tokens).toBeGreaterThan(5);
  });

  it("gets it as a stream that its own reader puts together", async () => {
    const stream = client(await open()).messages.stream({
      model: MODEL,
      max_tokens: 1000,
      messages: [{ role: "user", content: "Streamed?" }],
    });
    const types = new Set<string>();
    for await (const event of stream) types.add(event.type);
    expect([...types]).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(await stream.finalText()).toContain('You asked: "Streamed?"');
    expect((await stream.finalMessage()).stop_reason).toBe("end_turn");
  });

  it("is cut at max_tokens and says so", async () => {
    const reply = await client(await open()).messages.create({
      model: MODEL,
      max_tokens: 3,
      messages: [{ role: "user", content: "Short?" }],
    });
    expect(reply.stop_reason).toBe("max_tokens");
    expect(reply.usage.output_tokens).toBe(3);
  });

  it("lists models", async () => {
    const page = await client(await open()).models.list();
    expect(page.data.map(({ id }) => id)).toContain(MODEL);
  });
});

describe("the chat platform", () => {
  it("tells files apart by name, size and content", async () => {
    const sandbox = await open();
    const answer = async (content: string) => {
      const reply = await send(
        sandbox,
        OPENAI,
        ask(`<file index="1" name="a.txt">\n${content}\n</file>\n\nWhat?`),
      );
      return JSON.stringify(await reply.json());
    };
    const one = await answer("line\nline");
    expect(one).toMatch(/a\.txt: 2 lines, 9 characters, digest [0-9a-f]{8}/);
    expect(await answer("line\nlime")).not.toBe(one);
  });

  it("reasons where it is asked to, apart from the answer", async () => {
    const sandbox = await open();
    const thinking = { thinking: { type: "enabled" } };
    const openai = await (await send(sandbox, OPENAI, ask("Why?", thinking))).json();
    expect(openai).toMatchObject({
      choices: [{ message: { reasoning_content: expect.stringContaining("characters") } }],
    });
    const stream = await (
      await send(sandbox, ANTHROPIC, ask("Why?", { ...thinking, stream: true }))
    ).text();
    expect(stream).toContain('"type":"thinking_delta"');
    const off = await (
      await send(sandbox, OPENAI, ask("Why?", { thinking: { type: "disabled" } }))
    ).json();
    expect(JSON.stringify(off)).not.toContain("reasoning_content");
  });

  it("writes as many words as it is asked for", async () => {
    const sandbox = await open();
    const body = await (await send(sandbox, OPENAI, ask("Write 1,200 words"))).json();
    expect(body).toMatchObject({ usage: { completion_tokens: 1200 } });
  });

  it("streams without a space behind the colon, as the real one does", async () => {
    const sandbox = await open();
    const stream = await (await send(sandbox, OPENAI, ask("?", { stream: true }))).text();
    expect(stream.split("\n\n").filter((line) => line.startsWith("data:{")).length).toBeGreaterThan(
      3,
    );
    expect(stream.endsWith("data: [DONE]\n\n")).toBe(true);
  });

  it.each([
    ["no model", OPENAI, { messages: [{ role: "user", content: "?" }] }, "model"],
    ["no messages", OPENAI, { model: MODEL, messages: [] }, "messages"],
    [
      "content null",
      OPENAI,
      { model: MODEL, messages: [{ role: "assistant", content: null }] },
      "content",
    ],
    ["too hot", OPENAI, ask("?", { temperature: 1.1 }), "temperature"],
    ["too long", OPENAI, ask("?", { max_tokens: 131_073 }), "max_tokens"],
    [
      "a system message in Anthropic's format",
      ANTHROPIC,
      { model: MODEL, messages: [{ role: "system", content: "?" }] },
      "role",
    ],
  ])("refuses %s", async (_name, path, body, field) => {
    const reply = await send(await open(), path, body);
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({
      error: {
        type: "invalid_request_error",
        code: "invalid_parameter",
        message: expect.stringContaining(field),
      },
    });
  });

  it("has no limit of max_tokens in Anthropic's format, where none is documented", async () => {
    const sandbox = await open();
    expect((await send(sandbox, ANTHROPIC, ask("?", { max_tokens: 131_073 }))).status).toBe(200);
    expect((await send(sandbox, ANTHROPIC, ask("?", { max_tokens: 0 }))).status).toBe(400);
  });

  it("refuses what is no JSON, and more than the model takes", async () => {
    const sandbox = await open();
    const broken = await send(sandbox, OPENAI, "{");
    expect(await broken.json()).toMatchObject({ error: { code: "invalid_json" } });
    const long = ask("x".repeat(600_000), { model: "LongCat-Flash-Chat" });
    expect((await send(sandbox, OPENAI, long)).status).toBe(400);
  });

  it.each([
    ["nothing", {}],
    ["x-api-key", { "x-api-key": KEY }],
  ])("does not take %s for a key", async (_name, headers) => {
    const { origin } = await open();
    const reply = await fetch(`${origin}/anthropic/v1/models`, { headers: { ...headers } });
    expect(reply.status).toBe(401);
    expect(await reply.json()).toEqual({
      error: {
        code: "invalid_api_key",
        message: "missing_api_key",
        type: "authentication_error",
      },
    });
  });

  it("answers without /v1 as well, and with a page where it has nothing", async () => {
    const sandbox = await open();
    expect((await send(sandbox, "/openai/chat/completions", ask("?"))).status).toBe(200);
    const wrong = await send(sandbox, "/openai/v1/chat", ask("?"));
    expect(wrong.status).toBe(404);
    expect(wrong.headers.get("content-type")).toMatch(/^text\/html/);
    expect(await wrong.text()).toContain("openresty");
  });
});

describe("a stream goes wrong where it is asked to:", () => {
  const streamed = (sandbox: Sandbox, prompt = "?") =>
    send(sandbox, OPENAI, ask(prompt, { stream: true })).then((reply) => reply.text());

  it("cut after some events", async () => {
    const sandbox = await open();
    sandbox.faults.add({ kind: "stream-cut", after: 4 });
    await expect(streamed(sandbox)).rejects.toThrow();
    expect(await streamed(sandbox)).toContain("[DONE]");
  });

  it("cut half-way", async () => {
    const sandbox = await open();
    sandbox.faults.add({ kind: "truncate" });
    const reply = await send(sandbox, OPENAI, ask("?", { stream: true }));
    let got = "";
    const reading = (async () => {
      for await (const piece of reply.body ?? []) got += Buffer.from(piece).toString();
    })();
    await expect(reading).rejects.toThrow();
    expect(got).toContain("You");
    expect(got).not.toContain("[DONE]");
  });

  it("ended by an error", async () => {
    const sandbox = await open();
    expect(await streamed(sandbox, "[[fault:stream-error=5]] ?")).toMatch(/"server_error".*\n\n$/);
  });

  it("never begun", async () => {
    const sandbox = await open();
    sandbox.faults.add({ kind: "reset-after" });
    await expect(streamed(sandbox)).rejects.toThrow();
    sandbox.faults.add({ kind: "empty-body" });
    expect(await streamed(sandbox)).toBe("");
  });

  it("silent in the middle", async () => {
    const sandbox = await open();
    sandbox.faults.add({ kind: "stream-stall", after: 2 });
    const reply = await send(sandbox, OPENAI, ask("?", { stream: true }));
    const reader = reply.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toContain("data:");
    await reader?.cancel();
  });
});
