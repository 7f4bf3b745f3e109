import { Client } from "@modelcontextprotocol/client";
import { InMemoryTransport } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { OPENINGS } from "../../src/prompts/openings.ts";
import { namedTools } from "../../src/prompts/register-prompts.ts";
import { readWish } from "../../src/prompts/wish.ts";
import { ServerFactory } from "../../src/server.ts";
import type { Toolset } from "../../src/settings/forms.ts";
import { createTools } from "../../src/tools/tool-list.ts";
import { idleToolDeps } from "../support/tool-deps.ts";

const NAMES = [
  "create_image",
  "edit_image",
  "compare_models",
  "product_shot",
  "character_sheet",
  "train_lora",
  "delegate",
];
const WISH = "a red fox in the snow, with a sign that says “HELLO”";

async function connected(toolsets: readonly Toolset[] = ["images", "chat"]) {
  const deps = idleToolDeps();
  const settings = { ...deps.settings, toolsets };
  const factory = new ServerFactory({ ...deps, settings, version: "0", events: new JobEvents() });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const connection = {
    caller: LOCAL_CALLER,
    era: "legacy",
    lasting: true,
    onDelivered: () => {},
  } as const;
  const client = new Client({ name: "test", version: "0" });
  await Promise.all([factory.create(connection).connect(ours), client.connect(theirs)]);
  return client;
}

async function textOf(name: string, args?: Record<string, string>): Promise<string> {
  const client = await connected();
  const { messages } = await client.getPrompt({ name, ...(args && { arguments: args }) });
  await client.close();
  const [first] = messages;
  return z.object({ type: z.literal("text"), text: z.string() }).parse(first?.content).text;
}

describe("the prompts", () => {
  it("are these, each with one argument, which is called required for hosts that drop others", async () => {
    const client = await connected();
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(NAMES);
    for (const { arguments: args = [] } of prompts) {
      expect(args).toEqual([{ name: "wish", description: expect.any(String), required: true }]);
    }
    await client.close();
  });

  it("are offered with the tools that they name", async () => {
    const client = await connected(["chat"]);
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(["delegate"]);
    await client.close();
    const images = await connected(["images"]);
    const ofImages = (await images.listPrompts()).prompts.map(({ name }) => name);
    expect(ofImages).toEqual(NAMES.slice(0, -1));
    await images.close();
  });

  it.each(NAMES)("%s names tools and arguments that exist, and no others", async (name) => {
    const tools = createTools(idleToolDeps());
    const known = new Set<string | undefined>(
      tools.flatMap((tool) => [
        tool.name,
        ...Object.keys(
          z.record(z.string(), z.unknown()).parse(tool.inputSchema["properties"] ?? {}),
        ),
      ]),
    );
    const text = await textOf(name, { wish: WISH });
    const quoted = [...text.matchAll(/`([\w]+)(?:: \w+)?`/g)].map(([, word]) => word);
    expect(quoted.length).toBeGreaterThan(0);
    expect(quoted.filter((word) => !known.has(word))).toEqual([]);
    const opening = OPENINGS[name];
    expect(opening && namedTools(opening).length).toBeGreaterThan(0);
  });

  describe.each(NAMES)("%s", (name) => {
    it("has the whole wish where a host passes it on", async () => {
      const text = await textOf(name, { wish: WISH });
      expect(text).toContain(`What I want: ${WISH}`);
      expect(text).not.toMatch(/Ask me first|first word/);
    });

    it("asks for the rest where only the first word arrives", async () => {
      for (const wish of ["a", '"a', "src/**"]) {
        const text = await textOf(name, { wish });
        expect(text).toContain(`What I want: ${wish.replace('"', "")}`);
        expect(text).toContain("may be only the first word of what I typed");
      }
    });

    it("asks for all where nothing arrives, or what a host has not filled in", async () => {
      const empty = await textOf(name);
      expect(empty).toMatch(/^[^\n]*\. Ask me first (?:what|which|who|where)[^\n]*\.\n/);
      for (const wish of [
        "",
        " ",
        "$1",
        "$1 $2",
        "$ARGUMENTS",
        "{{wish}}",
        '""',
        "<wish>",
        "undefined",
      ]) {
        expect(await textOf(name, { wish })).toBe(empty);
      }
    });
  });
});

describe("a wish", () => {
  it("is what was meant, whatever came around it", () => {
    expect(readWish("  'a fox'  ").words).toBe("a fox");
    expect(readWish("a tag of $5").words).toBe("a tag of $5");
    expect(readWish('"A" and "B"').words).toBe('"A" and "B"');
    expect(readWish("one\ntwo \u200b\u202ethree").words).toBe("one\ntwo three");
    expect(readWish("fox").mayBeCut).toBe(true);
    expect(readWish("a fox").mayBeCut).toBe(false);
  });
});
