import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { OPENINGS, type Opening } from "./openings.ts";
import { readWish } from "./wish.ts";

/**
 * Ready-made openings; some hosts show them as slash commands.
 * @param isThere whether one of them is there for who calls
 * @param isListed whether a tool is offered; what names another is not
 */
export function registerPrompts(
  server: McpServer,
  { isThere, isListed }: Record<"isThere" | "isListed", (name: string) => boolean>,
): void {
  for (const [name, opening] of Object.entries(OPENINGS)) {
    const { title, description, wish } = opening;
    const registered = server.registerPrompt(
      name,
      { title, description, argsSchema: z.object({ wish: asked(wish) }) },
      async (given) => say(await openingText(opening, given.wish)),
    );
    // Removed and not left out: where none is offered, a list of none is the answer.
    if (!isThere(name) || !namedTools(opening).every(isListed)) registered.remove();
  }
}

/**
 * A wish, which is called required though none may come: of an argument that is not, one host drops
 * every word that is typed after the command.
 */
function asked(description: string) {
  return z.preprocess((given) => given ?? "", z.string()).describe(description);
}

/** What a person is taken to have said: right as well where a host has cut or dropped their words. */
export async function openingText(opening: Opening, given: string | undefined): Promise<string> {
  const { words, mayBeCut } = readWish(given);
  const makers = opening.listsMakers
    ? [
        `The models, each with its own names of sizes:\n${(await import("./makers.ts")).makersWithSizes()}`,
      ]
    : [];
  const said = words === undefined ? [] : [`What I want: ${words}`];
  const missing =
    words === undefined
      ? `Ask me first ${opening.question}, unless I say so at the end of this or have said so before.`
      : "";
  const cut = mayBeCut
    ? `That may be only the first word of what I typed: where it is not enough to go by, ask me ${opening.question} before you call anything.`
    : "";
  return [[opening.task, missing].join(" ").trim(), ...said, ...makers, opening.advice, cut]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** Every name in backticks that has the form of a tool's. */
export function namedTools({ task, advice }: Opening): string[] {
  const names = [...`${task} ${advice}`.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)];
  return names.map(([, name = ""]) => name).filter((name) => !ARGUMENTS.includes(name));
}

/** Arguments that openings name. */
const ARGUMENTS = ["image_urls", "image_data_url", "default_caption", "thread_id"];

function say(text: string) {
  return { messages: [{ role: "user" as const, content: { type: "text" as const, text } }] };
}
