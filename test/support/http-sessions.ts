import { McpServer } from "@modelcontextprotocol/server";
import { expect } from "vitest";
import { scopesIn } from "../../src/core/caller.ts";
import type { HttpServers } from "../../src/server.ts";
import {
  bearer,
  credential,
  type HttpServer,
  type HttpServerOptions,
  KnownTokens,
  openHttpServer,
  PING,
  remoteCaller,
} from "./http-server.ts";

export const SECOND = 1_000;
export const JSON_HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": "2025-11-25",
};
export const EVENTS = { accept: "text/event-stream" };
export const INITIALIZE = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  },
};
export const MODERN = {
  jsonrpc: "2.0",
  id: 1,
  method: "tools/list",
  params: {
    _meta: {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {},
      "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    },
  },
};
export const MODERN_HEADERS = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list" };

/** What ada's and ben's tokens may do; `ends` says of which tokens nothing is to hold any more. */
export function open(more: HttpServerOptions = {}, ends = new Set<string>()): Promise<HttpServer> {
  const token = (id: string, caller = remoteCaller("ada")) => ({
    [id]: credential(caller, { id, holds: async () => !ends.has(id) }),
  });
  const authenticator = new KnownTokens({
    ...token("ada"),
    ...token("ada-next"),
    ...token("ada-reads", remoteCaller("ada", { scopes: scopesIn(["jobs:read"]) })),
    ...token("ben", remoteCaller("ben")),
  });
  return openHttpServer({ authenticator }, { sessions: { most: 3 }, ...more });
}

export async function begin(server: HttpServer, token = "ada"): Promise<Record<string, string>> {
  const reply = await server.send(INITIALIZE, bearer(token));
  await reply.text();
  expect(reply.status).toBe(200);
  return { ...bearer(token), "mcp-session-id": reply.headers.get("mcp-session-id") ?? "" };
}

export const statusOf = async (server: HttpServer, session: Record<string, string>) => {
  const reply = await server.send(PING, session);
  await reply.text();
  return reply.status;
};
export const listen = (server: HttpServer, session: Record<string, string>) =>
  server.ask("/mcp", { headers: { ...EVENTS, ...session } });

export async function capabilitiesIn(reply: Response): Promise<unknown> {
  const text = /\{.*\}/.exec(await reply.text())?.[0] ?? "{}";
  return JSON.parse(text).result.capabilities;
}

/** Servers with a tool that asks the user, and one that waits until its call is taken back. */
export function asking(onEnd: () => void): HttpServers {
  return {
    markOf: () => () => undefined,
    lackingScope: () => undefined,
    createFor: async ({ leaving }) => {
      const server = new McpServer({ name: "asking", version: "1" });
      server.registerTool("ask", {}, async ({ mcpReq }) => {
        const token = mcpReq._meta?.progressToken ?? 0;
        const told = { progressToken: token, progress: 1, message: "asking" };
        await mcpReq.notify({ method: "notifications/progress", params: told });
        // As the program's own tools ask: on the stream of the call.
        const requestedSchema = { type: "object" as const, properties: {} };
        const params = { message: "Go on?", requestedSchema };
        const answer = await mcpReq.send({ method: "elicitation/create", params });
        return { content: [{ type: "text", text: answer.action }] };
      });
      server.registerTool("wait", {}, ({ mcpReq }) => {
        const over = AbortSignal.any([mcpReq.signal, ...(leaving ? [leaving] : [])]);
        return new Promise((resolve) => {
          over.addEventListener("abort", () => {
            onEnd();
            resolve({ content: [{ type: "text", text: "taken back" }] });
          });
        });
      });
      return server;
    },
  };
}

export const WAIT = { jsonrpc: "2.0", id: 5, method: "tools/call", params: { name: "wait" } };
