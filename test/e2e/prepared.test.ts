import { afterEach, beforeEach, expect, test } from "vitest";
import { uris } from "../../src/core/uris.ts";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { advertisedSchema } from "../../src/tools/advertised-schema.ts";
import { CARDS } from "../../src/tools/cards.prepared.ts";
import { viewModel } from "../../src/tools/models-tool.ts";
import { createTools } from "../../src/tools/tool-list.ts";
import { idleToolDeps } from "../support/tool-deps.ts";
import { Bench } from "./harness.ts";
import { CLIENTS } from "./mcp-client.ts";

/*
 * What is worked out when the program is built is what it would work out itself: the built program
 * is asked, and its answers are compared with what the sources come to here.
 */

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

test.each(CLIENTS)("the built program lists the tools of the sources, to %s", async (kind) => {
  const { client } = await bench.connect(kind);
  const listed = await client.listTools();
  const real = createTools(idleToolDeps()).filter(({ isForElsewhere }) => !isForElsewhere);
  expect(listed.map(({ name }) => name)).toEqual(real.map(({ name }) => name));
  for (const [position, { inputSchema }] of listed.entries()) {
    expect(inputSchema).toEqual(real[position]?.inputSchema);
  }
});

test("the built program tells of the models what the sources do", async () => {
  const { client } = await bench.connect("client 2.x", "stdio", {
    LONGCAT_MCP_PRICES: '{"qwen_image_edit": 0.5}',
  });
  const prices = { qwen_image_edit: 0.5 };
  const { structuredContent } = await client.call("image_models", {});
  expect(structuredContent).toEqual({ models: CARDS.map((card) => viewModel(card, prices)) });
  expect(CARDS.map(({ name }) => name)).toEqual(OPERATIONS.map(({ name }) => name));
  for (const { name, title, description, input, example } of OPERATIONS) {
    const card = JSON.parse((await client.read(uris.model(name))).text);
    const input_schema = advertisedSchema(input);
    expect(card).toMatchObject({ operation: name, title, description, input_schema, example });
  }
});

test.each(CLIENTS)("what is listed again is what was listed first, to %s", async (kind) => {
  const { client } = await bench.connect(kind);
  const [tools, templates] = [await client.listTools(), await client.listTemplates()];
  for (let round = 0; round < 3; round++) {
    expect(await client.listTools()).toEqual(tools);
    expect(await client.listTemplates()).toEqual(templates);
  }
});
