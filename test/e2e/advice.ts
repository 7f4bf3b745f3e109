import type { McpClient } from "./mcp-client.ts";

export const TURBO = "z_image_turbo_generate";
export const SQUARE = { image_size: "square_1_1" };
export const SYNC = "qwen_image_generate";

type Arguments = Record<string, unknown>;

/** What a tool is asked for with a prompt, and no more than it needs. */
export const argumentsOf = (tool: string, prompt: string): Arguments =>
  tool === TURBO ? { prompt, ...SQUARE } : { prompt };

/** The last line but the addresses: what a reader is told to do. */
export function nextOf(text: string): string {
  return /^Next: (.*)$/m.exec(text)?.[1] ?? "";
}

/** Calls as an answer says one should: the tool it names, with the arguments it names. */
export async function asAdvised(client: McpClient, text: string, args: Arguments) {
  const [, tool = "", how = ""] =
    /[Cc]all `(\w+)` again((?: with| and|,| the same arguments| the same prompt| `[^`]*`| another)*)/.exec(
      nextOf(text),
    ) ?? [];
  const { idempotency_key: key, ...others } = args;
  const isSame = how.includes("the same");
  const [, threadId] = /`thread_id: "([^"]+)"`/.exec(how) ?? [];
  return client.call(tool, {
    ...others,
    ...(isSame
      ? {}
      : { prompt: `Other than ${String(args["prompt"]).replace(/ \[\[.*\]\]/, "")}` }),
    ...(how.includes("`force_new: true`") ? { force_new: true } : {}),
    ...(threadId === undefined ? {} : { thread_id: threadId }),
    ...(key === undefined
      ? {}
      : { idempotency_key: `${String(key)}${how.includes("another `") ? " again" : ""}` }),
  });
}
