import { isFields } from "../../core/json-fields.ts";
import type { Rule } from "./rules.ts";

export type ChatFormat = "openai" | "anthropic";

/** What a request asks for, whatever its format. */
export interface ChatAsked {
  model: string;
  stream: boolean;
  system: string;
  messages: { role: string; content: string }[];
  maxTokens: number | undefined;
  thinking: boolean;
}

const text: Rule = { type: "string" };
/** Documented as a string; blocks are what the official clients may send. */
const content: Rule = {
  type: "either",
  of: [text, { type: "array", of: { type: "object", optional: { type: text, text } } }],
};
const options = {
  stream: { type: "boolean" },
  max_tokens: { type: "integer", min: 1 },
  temperature: { type: "number", min: 0, max: 1 },
  top_p: { type: "number" },
  tools: { type: "array", of: { type: "object" } },
  tool_choice: { type: "either", of: [text, { type: "object" }] },
  thinking: {
    type: "object",
    required: { type: { type: "string", oneOf: ["enabled", "disabled"] } },
  },
} as const satisfies Record<string, Rule>;

function bodyRule(roles: readonly string[], more: Record<string, Rule>): Rule {
  return {
    type: "object",
    required: {
      model: text,
      messages: {
        type: "array",
        min: 1,
        of: {
          type: "object",
          required: { role: { type: "string", oneOf: roles }, content },
          optional: { tool_calls: { type: "array", of: { type: "object" } } },
        },
      },
    },
    optional: { ...options, ...more },
  };
}

export const CHAT_BODIES: Readonly<
  Record<ChatFormat, { rule: Rule; read: (body: unknown) => ChatAsked }>
> = {
  openai: {
    rule: bodyRule(["system", "user", "assistant", "tool"], {
      // The only format whose documentation names a limit.
      max_tokens: { type: "integer", min: 1, max: 131_072 },
    }),
    read: (body) => {
      const asked = readBody(body);
      const isSystem = ({ role }: { role: string }) => role === "system";
      return {
        ...asked,
        system: asked.messages
          .filter(isSystem)
          .map((one) => one.content)
          .join("\n"),
        messages: asked.messages.filter((one) => !isSystem(one)),
      };
    },
  },
  anthropic: { rule: bodyRule(["user", "assistant"], { system: content }), read: readBody },
};

function readBody(body: unknown): ChatAsked {
  const given = isFields(body) ? body : {};
  const messages = Array.isArray(given["messages"]) ? given["messages"].filter(isFields) : [];
  const { thinking, max_tokens: maxTokens } = given;
  return {
    model: String(given["model"]),
    stream: given["stream"] === true,
    system: plain(given["system"]),
    messages: messages.map((one) => ({
      role: String(one["role"]),
      content: plain(one["content"]),
    })),
    maxTokens: typeof maxTokens === "number" ? maxTokens : undefined,
    thinking: isFields(thinking) && thinking["type"] === "enabled",
  };
}

function plain(given: unknown): string {
  if (typeof given === "string") return given;
  if (!Array.isArray(given)) return "";
  return given.map((block) => (isFields(block) ? String(block["text"] ?? "") : "")).join("");
}
