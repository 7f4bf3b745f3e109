import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpV2,
} from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as HttpV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { ChildTransport } from "../e2e/child-transport.ts";
import type { ClientKind } from "../e2e/mcp-client.ts";

export type Action = "accept" | "decline" | "cancel";

/** A question as a person sees it. */
export interface Shown {
  message: string;
  requestedSchema?: unknown;
}

export interface PersonsAnswer {
  action: Action;
  content?: Record<string, string>;
}

/** Somebody who is asked, and answers after a while. */
export type Person = (shown: Shown) => Promise<PersonsAnswer>;

export interface AskedClient {
  /** Every question that was shown. */
  shown: Shown[];
  /** @returns the text of the answer. */
  call(name: string, args: Record<string, unknown>, signal?: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

/** No person reads a question faster. */
const READING_MS = 400;

export async function afterReading(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, READING_MS));
}

/** Somebody who reads the question first. */
export function says(action: Action, content?: Record<string, string>): Person {
  return async () => {
    await afterReading();
    return { action, ...(content && { content }) };
  };
}

/** A real client whose user is asked. @param person absent: it does not say that it can ask. */
export async function connectAsked(
  kind: ClientKind,
  to: Pick<ChildTransport, "start" | "send" | "close"> | URL,
  person?: Person,
  extensions?: Record<string, Record<string, never>>,
): Promise<AskedClient> {
  const shown: Shown[] = [];
  const answer = async (params: Shown) => {
    shown.push(params);
    const given: PersonsAnswer = person ? await person(params) : { action: "cancel" };
    return given;
  };
  const capabilities = {
    ...(person && { elicitation: {} }),
    ...(extensions && { extensions }),
  };
  const who = { name: "asked", version: "1.0.0" };
  if (kind === "sdk 1.x") {
    const client = new ClientV1(who, { capabilities });
    if (person)
      client.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({
        ...(await answer(params)),
      }));
    await client.connect((to instanceof URL ? new HttpV1(to) : to) as never);
    return {
      shown,
      call: async (name, args, signal) =>
        textIn(await client.callTool({ name, arguments: args }, undefined, optionsOf(signal))),
      close: () => client.close(),
    };
  }
  const client = new ClientV2(who, {
    capabilities,
    versionNegotiation: { mode: { pin: "2026-07-28" } },
  });
  if (person) {
    client.setRequestHandler("elicitation/create", async ({ params }) => ({
      ...(await answer(params)),
    }));
  }
  await client.connect((to instanceof URL ? new HttpV2(to) : to) as never);
  return {
    shown,
    call: async (name, args, signal) =>
      textIn(await client.callTool({ name, arguments: args }, optionsOf(signal))),
    close: () => client.close(),
  };
}

function optionsOf(signal: AbortSignal | undefined) {
  return { timeout: 1_200_000, ...(signal && { signal }) };
}

function textIn(result: unknown): string {
  const { content = [] } = result as { content?: { type: string; text?: string }[] };
  return content.map(({ text = "" }) => text).join("\n");
}
