import { describe, expect, it } from "vitest";
import * as z from "zod";
import { uris } from "../../src/core/uris.ts";
import { answersOfProgram } from "../support/conversations.ts";
import { openHttpServer } from "../support/http-server.ts";

const replySchema = z.looseObject({
  id: z.union([z.number(), z.string(), z.null()]),
  error: z.looseObject({ code: z.number(), message: z.string(), data: z.unknown().optional() }),
});
const answerTo = (id: number, texts: readonly string[]) =>
  replySchema.parse(texts.map((text) => JSON.parse(text)).find((one) => one.id === id));

const INITIALIZE = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "x", version: "1" },
  },
};
const ENVELOPE = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
  "io.modelcontextprotocol/clientInfo": { name: "x", version: "1" },
};
type Ask = (
  method: string,
  params: Record<string, unknown>,
) => Promise<z.output<typeof replySchema>>;

const message = (method: string, params: object) => ({ jsonrpc: "2.0", id: 7, method, params });

const stdio =
  (before: readonly object[], more: object): Ask =>
  async (method, params) => {
    const asked = [...before, message(method, { ...params, ...more })];
    const pieces = asked.map((one) => Buffer.from(`${JSON.stringify(one)}\n`));
    return answerTo(7, (await answersOfProgram(pieces, "1")).lines);
  };

/** The answer in JSON, or in the only event of a stream that has a message. */
async function jsonOf(reply: Response): Promise<string> {
  const text = await reply.text();
  return /^data: (\{.*)$/m.exec(text)?.[1] ?? text;
}

const http =
  (isModern: boolean, sessions: boolean): Ask =>
  async (method, params) => {
    const server = await openHttpServer(undefined, sessions ? { sessions: { most: 2 } } : {});
    const begun = isModern ? undefined : await server.send(INITIALIZE);
    const session = begun?.headers.get("mcp-session-id");
    const named = params["uri"] ?? params["name"];
    const headers = isModern
      ? {
          "mcp-protocol-version": "2026-07-28",
          "mcp-method": method,
          ...(typeof named === "string" && { "mcp-name": named }),
        }
      : { ...(session && { "mcp-session-id": session }) };
    const asked = message(method, { ...params, ...(isModern && { _meta: ENVELOPE }) });
    return answerTo(7, [await jsonOf(await server.send(asked, headers))]);
  };

const OF_2025: [string, Ask][] = [
  ["stdio", stdio([INITIALIZE, { jsonrpc: "2.0", method: "notifications/initialized" }], {})],
  ["HTTP", http(false, false)],
  ["HTTP with a session", http(false, true)],
];
const OF_2026: [string, Ask][] = [
  ["stdio", stdio([], { _meta: ENVELOPE })],
  ["HTTP", http(true, false)],
];
const GONE = uris.model("no_such_model");

/** What is asked, and with which code each era refuses it. */
const REFUSED: [string, string, Record<string, unknown>, { of2025: number; of2026: number }][] = [
  [
    "a resource that is not there",
    "resources/read",
    { uri: GONE },
    { of2025: -32002, of2026: -32602 },
  ],
  [
    "a resource of another kind",
    "resources/read",
    { uri: "longcat://nothing/at/all" },
    { of2025: -32002, of2026: -32602 },
  ],
  [
    "a tool that is not there",
    "tools/call",
    { name: "no_such_tool", arguments: {} },
    { of2025: -32602, of2026: -32602 },
  ],
  [
    "a prompt that is not there",
    "prompts/get",
    { name: "no_such_prompt" },
    { of2025: -32602, of2026: -32602 },
  ],
  [
    "another page of the tools",
    "tools/list",
    { cursor: "page-2" },
    { of2025: -32602, of2026: -32602 },
  ],
  [
    "another page of resources",
    "resources/list",
    { cursor: "page-2" },
    { of2025: -32602, of2026: -32602 },
  ],
  ["a method that is not there", "nothing/here", {}, { of2025: -32601, of2026: -32601 }],
];

describe.each(REFUSED)("%s", (_, method, params, { of2025, of2026 }) => {
  it.each(OF_2025)("is refused with the code of 2025 over %s", async (_transport, ask) => {
    const { error } = await ask(method, params);
    expect(error.code).toBe(of2025);
    if (of2025 === -32002) expect(error.data).toEqual({ uri: params["uri"] });
  });

  it.each(OF_2026)("is refused with the code of 2026 over %s", async (_transport, ask) => {
    const { error } = await ask(method, params);
    expect(error.code).toBe(of2026);
    if (method === "resources/read") expect(error.data).toEqual({ uri: params["uri"] });
  });
});
