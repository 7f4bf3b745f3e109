import type { Client as ModernClient } from "@modelcontextprotocol/client";
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { expect } from "vitest";
import * as z from "zod";
import { URI_TEMPLATES, uris } from "../../src/core/uris.ts";
import {
  caught,
  guessesAt,
  isLookedAt,
  type Names,
  NOWHERE,
  nameless,
  type ToolEntry,
  textOf,
  toolSchema,
} from "./guesses.ts";

/*
 * What somebody tries to learn of another's things: everything that a server lists is asked for
 * them, so that what comes to be listed is asked as well.
 */

export type AnyClient = Client | ModernClient;

/** Things of somebody who is not asking. */
export interface Secret {
  names: Names;
  /** Names like them that are nobody's. */
  nobody: Names;
  /** What stands in them and nowhere else. */
  words: readonly string[];
  /** Cursors of the owner's own pages, by the tool that gave them. */
  cursors: Readonly<Record<string, string>>;
}

export async function toolsOf(client: AnyClient): Promise<ToolEntry[]> {
  return z.array(toolSchema).parse((await client.listTools()).tools);
}

export const call = (client: AnyClient, name: string, args: Record<string, unknown>) =>
  client.callTool({ name, arguments: args });

/** @param named what the question had in it, and may be repeated. */
export function expectNothingOf({ names, words }: Secret, text: string, named = ""): void {
  for (const word of words) expect(text).not.toContain(word);
  for (const name of Object.values(names)) {
    if (!named.includes(name)) expect(text).not.toContain(name);
  }
}

/** No argument of any tool finds them, or tells them from what is nowhere. @returns how many were looked for. */
export async function expectNoGuessFinds(client: AnyClient, secret: Secret): Promise<number> {
  const { names, nobody } = secret;
  let looked = 0;
  for (const tool of await toolsOf(client)) {
    const others = guessesAt(tool, nobody);
    for (const [n, args] of guessesAt(tool, names).entries()) {
      const what = `${tool.name} ${textOf(args)}`;
      const result = await caught(call(client, tool.name, args));
      const nothing = await caught(call(client, tool.name, others[n] ?? {}));
      expect(nameless(result, names), what).toBe(nameless(nothing, nobody));
      expectNothingOf(secret, result, textOf(args));
      if (!isLookedAt(args)) continue;
      expect(result, what).toMatch(/"isError":true/);
      expect(result, what).toMatch(NOWHERE);
      looked++;
    }
  }
  return looked;
}

/** They are in no list and no sum, nor behind their owner's cursors or words. */
export async function expectNothingListed(client: AnyClient, secret: Secret): Promise<void> {
  for (const { name, inputSchema } of await toolsOf(client)) {
    if (inputSchema.required.length > 0) continue;
    const { properties } = inputSchema;
    const cursor: Record<string, unknown>[] =
      "cursor" in properties ? [{ cursor: secret.cursors[name] ?? "none known" }] : [];
    const words = "query" in properties ? [{ query: "garden" }, { query: "question" }] : [];
    for (const args of [{}, ...cursor, ...words]) {
      const text = await caught(call(client, name, args));
      expectNothingOf(secret, text);
      if (cursor.includes(args)) expect(text, name).not.toContain('"isError":true');
      if (name === "spending") expect(text).toMatch(/total_usd\\*":\s*0[,}]/);
    }
  }
  expectNothingOf(secret, textOf(await client.listResources()));
}

/** They are no resource of any template, and complete nothing. */
export async function expectNoResource(client: AnyClient, secret: Secret): Promise<void> {
  const { names, nobody } = secret;
  const { resourceTemplates } = await client.listResourceTemplates();
  // What was uploaded is named in calls, and read by nobody.
  const readable = Object.values(URI_TEMPLATES).filter((uri) => uri !== URI_TEMPLATES.upload);
  expect(resourceTemplates.map((one) => one.uriTemplate).sort()).toEqual(readable.sort());
  for (const uri of Object.values(URI_TEMPLATES)) {
    const variables = [...uri.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
    for (const name of variables) {
      const asked = client.complete({
        ref: { type: "ref/resource", uri },
        argument: { name, value: "" },
        context: { arguments: { job_id: names.jobId, thread_id: names.threadId } },
      });
      const text = await caught(asked);
      expectNothingOf(secret, text);
      if (name === "index") expect(text).toContain('"values":[]');
    }
    if (variables.includes("operation")) continue;
    for (const job of ["jobId", "chatJobId", "deletedJobId"] as const) {
      const read = (of: Names) => {
        const values: Record<string, string> = {
          ...{ job_id: of[job], index: "1", thread_id: of.threadId, id: of.uploadId },
        };
        const filled = uri.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? `no ${name}`);
        return caught(client.readResource({ uri: filled }));
      };
      const result = await read(names);
      expect(result, uri).toMatch(/^rejected: .*not found/i);
      expect(nameless(result, names)).toBe(nameless(await read(nobody), nobody));
    }
  }
}

/** They are in no prompt, and complete none. */
export async function expectNoPrompt(client: AnyClient, secret: Secret): Promise<void> {
  const medium = uris.medium(secret.names.jobId, 1);
  for (const { name, arguments: args = [] } of (await client.listPrompts()).prompts) {
    const given = Object.fromEntries(args.map((one) => [one.name, medium]));
    const text = await caught(client.getPrompt({ name, arguments: given }));
    expectNothingOf(secret, text, textOf(given));
    for (const { name: argument } of args) {
      const ref = { type: "ref/prompt" as const, name };
      const asked = client.complete({ ref, argument: { name: argument, value: "" } });
      expectNothingOf(secret, await caught(asked));
    }
  }
}

/** What the owner asked for stands for no call of another, by its key or by what it is. */
export async function expectNoRepeat(client: AnyClient, secret: Secret): Promise<string[]> {
  const args = { prompt: "Adas own garden", image_size: "square_1_1", wait_seconds: 45 };
  const texts: string[] = [];
  for (const one of [{ ...args, idempotency_key: "k" }, args]) {
    const text = textOf(await call(client, "longcat_image_generate", one));
    expect(text).toContain("completed");
    expect(text).not.toContain(secret.names.jobId);
    texts.push(text);
  }
  return texts;
}
