import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpV2,
} from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as HttpV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import type { ChildTransport } from "./child-transport.ts";

/** The libraries' own minute may pass on a busy machine; what hangs is ended with its test. */
const CALL_MS = 1_200_000;

export const CLIENTS = ["sdk 1.x", "client 2.x"] as const;
export type ClientKind = (typeof CLIENTS)[number];

const contentSchema = z.array(
  z.looseObject({
    type: z.string(),
    text: z.string().optional(),
    data: z.string().optional(),
    mimeType: z.string().optional(),
    uri: z.string().optional(),
  }),
);
const resultSchema = z.looseObject({
  content: contentSchema,
  isError: z.boolean().optional(),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
});
export type ToolResult = z.output<typeof resultSchema>;

const contentsSchema = z.looseObject({
  contents: z.array(
    z.looseObject({
      uri: z.string(),
      mimeType: z.string().optional(),
      text: z.string().optional(),
      blob: z.string().optional(),
    }),
  ),
});

export interface CallOptions {
  onProgress?: (message: string, of: { progress: number; total?: number | undefined }) => void;
  signal?: AbortSignal;
}

/** What both client libraries can do, in one form. */
export interface McpClient {
  listTools(): Promise<{ name: string; inputSchema: unknown; outputSchema?: unknown }[]>;
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<ToolResult>;
  read(uri: string): Promise<{ mimeType: string | undefined; text: string; bytes: Buffer }>;
  listResources(): Promise<string[]>;
  listTemplates(): Promise<string[]>;
  complete(template: string, name: string, value: string): Promise<string[]>;
  prompt(name: string, args: Record<string, string>): Promise<string>;
  instructions(): string | undefined;
  /** Hears of changes to one resource and to the list. */
  watch(uri: string, onEvent: (event: string) => void): Promise<void>;
  close(): Promise<void>;
}

/** Connects a client to a program: at an address, or over its stdio. */
export function connectClient(
  kind: ClientKind,
  program: ChildTransport,
  url: URL | undefined,
): Promise<McpClient> {
  return kind === "sdk 1.x" ? connectV1(program, url) : connectV2(program, url);
}

async function connectV1(program: ChildTransport, url: URL | undefined): Promise<McpClient> {
  const client = new ClientV1({ name: "e2e", version: "1.0.0" });
  await client.connect((url ? new HttpV1(url) : program) as never);
  return {
    ...common(client),
    call: async (name, args, options = {}) =>
      resultSchema.parse(
        await client.callTool({ name, arguments: args }, undefined, requestOptions(options)),
      ),
    watch: async (uri, onEvent) => {
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) =>
        onEvent(`updated ${params.uri}`),
      );
      client.setNotificationHandler(ResourceListChangedNotificationSchema, () =>
        onEvent("list_changed"),
      );
      await client.subscribeResource({ uri });
    },
  };
}

async function connectV2(program: ChildTransport, url: URL | undefined): Promise<McpClient> {
  const client = new ClientV2(
    { name: "e2e", version: "1.0.0" },
    { versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  await client.connect((url ? new HttpV2(url) : program) as never);
  return {
    ...common(client),
    call: async (name, args, options = {}) =>
      resultSchema.parse(await client.callTool({ name, arguments: args }, requestOptions(options))),
    watch: async (uri, onEvent) => {
      client.setNotificationHandler("notifications/resources/updated", ({ params }) =>
        onEvent(`updated ${params.uri}`),
      );
      client.setNotificationHandler("notifications/resources/list_changed", () =>
        onEvent("list_changed"),
      );
      await client.listen({ resourceSubscriptions: [uri], resourcesListChanged: true });
    },
  };
}

/** What both libraries do in the same way. */
function common(client: ClientV1 | ClientV2): Omit<McpClient, "call" | "watch"> {
  return {
    listTools: async () => (await client.listTools()).tools,
    read: async (uri) => contents(await client.readResource({ uri })),
    listResources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    listTemplates: async () =>
      (await client.listResourceTemplates()).resourceTemplates.map((one) => one.uriTemplate),
    complete: async (uri, name, value) =>
      (await client.complete({ ref: { type: "ref/resource", uri }, argument: { name, value } }))
        .completion.values,
    prompt: async (name, args) =>
      JSON.stringify((await client.getPrompt({ name, arguments: args })).messages),
    instructions: () => client.getInstructions(),
    close: () => client.close(),
  };
}

function requestOptions({ onProgress, signal }: CallOptions) {
  return {
    timeout: CALL_MS,
    ...(onProgress
      ? {
          onprogress: (one: {
            message?: string | undefined;
            progress: number;
            total?: number | undefined;
          }) => onProgress(one.message ?? "", one),
        }
      : {}),
    ...(signal ? { signal } : {}),
  };
}

function contents(result: unknown): { mimeType: string | undefined; text: string; bytes: Buffer } {
  const first = contentsSchema.parse(result).contents[0];
  return {
    mimeType: first?.mimeType,
    text: first?.text ?? "",
    bytes: Buffer.from(first?.blob ?? "", "base64"),
  };
}
