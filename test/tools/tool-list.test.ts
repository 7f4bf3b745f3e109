import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { CHAT_OPERATION } from "../../src/chat/chat-operation.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { ServerFactory } from "../../src/server.ts";
import { INSTRUCTIONS } from "../../src/tools/instructions.ts";
import { createTools } from "../../src/tools/tool-list.ts";
import { tokensIn } from "../support/tokens.ts";
import { idleToolDeps } from "../support/tool-deps.ts";
import { MAX_TOOL_TOKENS, tokensOf } from "../support/tool-tokens.ts";

const tools = createTools(idleToolDeps());

const record = z.record(z.string(), z.unknown());

/** Every object inside a JSON Schema that is itself a schema or holds some, with its place. */
function* nodes(value: unknown, place = "#"): Generator<[string, Record<string, unknown>]> {
  if (Array.isArray(value)) {
    for (const [position, item] of value.entries()) yield* nodes(item, `${place}/${position}`);
    return;
  }
  const parsed = record.safeParse(value);
  if (!parsed.success) return;
  yield [place, parsed.data];
  for (const [key, item] of Object.entries(parsed.data)) yield* nodes(item, `${place}/${key}`);
}

/** What at least one model API or MCP host refuses or silently drops. */
const UNPORTABLE = [
  "$schema",
  "$ref",
  "$defs",
  "definitions",
  "allOf",
  "oneOf",
  "not",
  "if",
  "const",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "prefixItems",
  "propertyNames",
  "patternProperties",
  "default",
  "nullable",
];

function complaints(schema: Record<string, unknown>): string[] {
  const found: string[] = [];
  if (schema["type"] !== "object") found.push("the root is not an object");
  if ("anyOf" in schema) found.push("the root is a union");
  for (const [place, node] of nodes(schema)) {
    // The names of properties are the caller's words, not keywords.
    if (place.endsWith("/properties")) continue;
    for (const keyword of UNPORTABLE) if (keyword in node) found.push(`${place} has ${keyword}`);
    if (node["additionalProperties"] === false) found.push(`${place} forbids extra properties`);
    if (Array.isArray(node["type"])) found.push(`${place} has several types`);
    if (Array.isArray(node["items"])) found.push(`${place} is a tuple`);
    const words = z.array(z.unknown()).safeParse(node["enum"]).data ?? [];
    if (words.some((word) => typeof word !== "string")) found.push(`${place} has no enum of words`);
    if (node["type"] === "array" && !("items" in node)) found.push(`${place} has no items`);
    if (node["type"] === "integer" && !("minimum" in node && "maximum" in node)) {
      found.push(`${place} is an integer without bounds`);
    }
  }
  return found;
}

describe("the portability lint itself", () => {
  it.each([
    [{ type: "object", $schema: "x" }],
    [{ type: "string" }],
    [{ type: "object", anyOf: [] }],
    [{ type: "object", additionalProperties: false }],
    [{ type: "object", properties: { a: { const: 1 } } }],
    [{ type: "object", properties: { a: { enum: [1, 2] } } }],
    [{ type: "object", properties: { a: { type: ["string", "null"] } } }],
    [{ type: "object", properties: { a: { type: "integer", minimum: 0 } } }],
    [{ type: "object", properties: { a: { type: "number", exclusiveMinimum: 0 } } }],
    [{ type: "object", properties: { a: { type: "array", prefixItems: [] } } }],
    [{ type: "object", properties: { a: { type: "object", propertyNames: {} } } }],
  ])("finds %j", (schema) => {
    expect(complaints(schema)).not.toEqual([]);
  });

  it("lets a property have any name", () => {
    expect(complaints({ type: "object", properties: { not: { type: "string" } } })).toEqual([]);
  });
});

describe.each(tools.map((tool) => [tool.name, tool] as const))("%s", (name, tool) => {
  it("advertises a schema that every host can read", () => {
    expect(complaints(tool.inputSchema)).toEqual([]);
  });

  it("is described in few words, its fields in fewer", () => {
    expect(tool.description.length).toBeLessThanOrEqual(300);
    for (const [place, { description }] of nodes(tool.inputSchema)) {
      if (typeof description === "string")
        expect(description.length, place).toBeLessThanOrEqual(60);
    }
  });

  it("hints at whether it sends or deletes", () => {
    const starts = name === CHAT_OPERATION || OPERATIONS.some((one) => one.name === name);
    if (starts) {
      expect(tool.annotations).toMatchObject({
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: false,
        openWorldHint: true,
      });
      expect(tool.output).toBeUndefined();
    } else if (name === "chat_threads" || name === "job_delete") {
      expect(tool.annotations).toMatchObject({ readOnlyHint: false, destructiveHint: true });
    } else if (name === "media_save" || name === "upload_link") {
      expect(tool.annotations).toMatchObject({
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: false,
        openWorldHint: false,
      });
    } else if (name !== "job_cancel") {
      expect(tool.annotations).toMatchObject({ readOnlyHint: true });
    }
  });

  it("requires what its operation requires, however the argument is forgiven", () => {
    const operation = OPERATIONS.find((one) => one.name === name);
    const required = z.array(z.string()).default([]).parse(tool.inputSchema["required"]);
    const optional = operation
      ? Object.keys(operation.input.shape).filter(
          (field) => operation.input.shape[field]?.safeParse(undefined).success,
        )
      : [];
    expect(required.filter((field) => optional.includes(field))).toEqual([]);
    for (const field of Object.keys(operation?.input.shape ?? {})) {
      if (!optional.includes(field)) expect(required).toContain(field);
    }
  });
});

describe("what is advertised of a text", () => {
  it("is neither its length nor the names of tools that are listed anyway, which are checked all the same", () => {
    const list = tools.find(({ name }) => name === "job_list");
    const start = tools.find(({ name }) => name === "z_image_turbo_generate");
    for (const tool of [list, start]) {
      expect(JSON.stringify(tool?.inputSchema)).not.toMatch(/minLength|maxLength|qwen_image_edit/);
    }
    expect(() => list?.read({ operation: "no_such_tool" })).toThrow(/Allowed: .*`longcat_chat`/);
    const cat = { prompt: "A cat", image_size: "square_1_1" };
    expect(() => start?.read({ ...cat, idempotency_key: "k".repeat(201) })).toThrow(
      /idempotency_key/,
    );
  });
});

describe("the tool list", () => {
  it("has a median description of at most 110 characters", () => {
    const lengths = tools.map((tool) => tool.description.length).sort((a, b) => a - b);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(110);
  });

  it("comes with instructions of at most 160 tokens, whose first line says the essential", () => {
    expect(tokensIn(INSTRUCTIONS)).toBeLessThanOrEqual(160);
    const [first = ""] = INSTRUCTIONS.split("\n");
    for (const word of ["Pictures", "longcat_chat", "start tools", "job_status", "force_new: true"])
      expect(first).toContain(word);
  });

  it("offers only the job tools where no toolset needs more", () => {
    const deps = idleToolDeps();
    const names = createTools({ ...deps, settings: { ...deps.settings, toolsets: ["chat"] } });
    expect(names.map((tool) => tool.name)).toEqual(
      expect.arrayContaining(["job_status", "job_list", "job_cancel"]),
    );
    expect(names.map((tool) => tool.name)).not.toContain("longcat_image_generate");
  });

  it.each([
    [false, "on this machine"],
    [true, "elsewhere"],
  ])(`costs an assistant at most ${MAX_TOOL_TOKENS} tokens (remote: %s, %s)`, async (isRemote) => {
    const [ours, theirs] = InMemoryTransport.createLinkedPair();
    const factory = new ServerFactory({
      ...idleToolDeps(),
      version: "0.0.0",
      events: new JobEvents(),
    });
    const server = await factory.createFor({
      caller: { ...LOCAL_CALLER, isRemote },
      era: "legacy",
      lasting: true,
      onDelivered: () => {},
    });
    const client = new Client({ name: "test", version: "0.0.0" });
    await Promise.all([server.connect(ours), client.connect(theirs)]);
    const listed = await client.listTools();
    await client.close();

    const offered = tools.filter((tool) => isRemote || !tool.isForElsewhere);
    expect(listed.tools.map((tool) => tool.name)).toEqual(offered.map((tool) => tool.name));
    for (const [position, tool] of listed.tools.entries()) {
      const known = offered[position];
      expect(tool.inputSchema).toEqual((isRemote ? known?.elsewhere : known)?.inputSchema);
    }
    // No host is known to use the schema of a result, and every assistant would pay for it.
    expect(listed.tools.filter((tool) => tool.outputSchema !== undefined)).toEqual([]);
    expect(tokensOf(listed.tools)).toBeLessThanOrEqual(MAX_TOOL_TOKENS);
  });
});
