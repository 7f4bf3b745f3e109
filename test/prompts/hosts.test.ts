import { Client } from "@modelcontextprotocol/client";
import { InMemoryTransport } from "@modelcontextprotocol/server";
import { describe, expect, it, onTestFinished } from "vitest";
import * as z from "zod";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { OPENINGS } from "../../src/prompts/openings.ts";
import { ServerFactory } from "../../src/server.ts";
import { idleToolDeps } from "../support/tool-deps.ts";

/* What becomes of words typed after a prompt's name on their way through a host, and back. */

interface Prompt {
  name: string;
  arguments: readonly { name: string; required: boolean }[];
}

/** Asks the server for a prompt's text with arguments. */
type Get = (name: string, args?: Record<string, string>) => Promise<string>;

/** @returns what the model is shown when somebody has typed this after the prompt's name. */
type Host = (prompt: Prompt, typed: string, get: Get) => Promise<string>;

/** One word for each argument, whatever is quoted; the rest is dropped. */
const claudeCode: Host = ({ name, arguments: args }, typed, get) => {
  const words = typed.split(" ");
  return get(name, Object.fromEntries(args.map((one, at) => [one.name, words[at] ?? ""])));
};

/**
 * The places of its arguments for all of them, whatever was typed; then words go to the places that
 * are in the text, or, where there are none, to its end.
 */
const opencode: Host = async ({ name, arguments: args }, typed, get) => {
  const text = await get(name, Object.fromEntries(args.map((one, at) => [one.name, `$${at + 1}`])));
  const words = typed.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  const places = [...text.matchAll(/\$(\d+)/g)].map(([, place]) => Number(place));
  const last = Math.max(...places);
  const filled = text.replaceAll(/\$(\d+)/g, (_, place) => {
    const at = Number(place) - 1;
    return (at + 1 === last ? words.slice(at).join(" ") : words[at]) ?? "";
  });
  // It runs what stands so in a text, and reads the files that are named so.
  expect(text).not.toMatch(/!`|(?<![\w`])@\S/);
  return places.length === 0 && typed !== "" ? `${filled}\n\n${typed}` : filled;
};

/** Named ones, then all words for the one that is required; the text as JSON. */
const geminiCli: Host = async ({ name, arguments: args }, typed, get) => {
  const named = /^--(\w+)="([^"]*)"$/.exec(typed);
  if (named) return JSON.stringify(await get(name, { [named[1] ?? ""]: named[2] ?? "" }));
  const unquoted = [...typed.matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare,
  );
  const required = args.filter((one) => one.required);
  const given = required.map((one): [string, string] => [one.name, unquoted.join(" ")]);
  return JSON.stringify(await get(name, Object.fromEntries(given)));
};

/** A form with a field for each argument. */
const form: Host = ({ name, arguments: [first] }, typed, get) =>
  get(name, { [first?.name ?? ""]: typed });

/** A form that leaves out what is empty. */
const bareForm: Host = ({ name, arguments: [first] }, typed, get) =>
  typed === "" ? get(name) : get(name, { [first?.name ?? ""]: typed });

/** By host, and whether all words arrive. */
const HOSTS: readonly [string, Host, "whole" | "cut"][] = [
  ["Claude Code", claudeCode, "cut"],
  ["opencode", opencode, "whole"],
  ["Gemini CLI", geminiCli, "whole"],
  ["Claude Desktop and VS Code", form, "whole"],
  ["the Inspector", bareForm, "whole"],
];

const WISH = "fox in the snow at dusk";
const ASKS = "Ask me first";
const MAY_BE_CUT = "may be only the first word of what I typed";

async function open() {
  const factory = new ServerFactory({ ...idleToolDeps(), version: "0", events: new JobEvents() });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const connection = {
    caller: LOCAL_CALLER,
    era: "legacy",
    lasting: true,
    onDelivered: () => {},
  } as const;
  const client = new Client({ name: "host", version: "0" });
  await Promise.all([factory.create(connection).connect(ours), client.connect(theirs)]);
  onTestFinished(() => client.close());
  const listed = z
    .array(
      z.looseObject({
        name: z.string(),
        arguments: z.array(z.looseObject({ name: z.string(), required: z.boolean() })),
      }),
    )
    .parse((await client.listPrompts()).prompts);
  const get: Get = async (name, args) => {
    const { messages } = await client.getPrompt({ name, ...(args && { arguments: args }) });
    return messages.map(({ content }) => (content.type === "text" ? content.text : "")).join("\n");
  };
  return {
    async typed(name: string, host: Host, text: string) {
      const prompt = listed.find((one) => one.name === name);
      return prompt ? host(prompt, text, get) : expect.fail(`${name} is not offered`);
    },
  };
}

describe.each(Object.keys(OPENINGS))("%s", (name) => {
  it.each(HOSTS)("reads right in %s", async (_, host, arrives) => {
    const { typed } = await open();
    const whole = await typed(name, host, WISH);
    if (arrives === "whole") {
      expect(whole).toContain(WISH);
      expect(whole).not.toContain(MAY_BE_CUT);
    } else {
      expect(whole).toMatch(/What I want: fox\n/);
      expect(whole).toContain(MAY_BE_CUT);
    }
    const nothing = await typed(name, host, "");
    expect(nothing).toContain(ASKS);
    for (const words of [WISH, `"${WISH}"`, "fox", ""]) {
      const text = await typed(name, host, words);
      expect(text).not.toMatch(/\$\d|\$ARGUMENTS|\{\{|undefined|null|NaN/);
      // Where the host has taken the place of the wish for nothing, it stands at the end.
      if (text.includes(ASKS) && words !== "") expect(text.trim().endsWith(words)).toBe(true);
      expect(text).toContain(OPENINGS[name]?.task);
    }
  });

  it("takes a named wish and one in quotes where a host knows them", async () => {
    const { typed } = await open();
    for (const words of [`--wish="${WISH}"`, `"${WISH}"`]) {
      const text = await typed(name, geminiCli, words);
      expect(text).toContain(`What I want: ${WISH}`);
      expect(text).not.toContain(ASKS);
    }
  });
});
