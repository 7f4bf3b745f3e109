import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { createRedact } from "../../src/core/redact.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { LongcatClient } from "../../src/gateway/longcat.ts";
import {
  ask,
  chunk,
  client,
  DOCUMENTED_ANTHROPIC,
  KEY,
  request,
  SSE,
  saying,
  writeAll,
} from "../support/chat-platform.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type Answer, deadOrigin, json, rawServer, tcpServer } from "../support/raw-server.ts";

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
