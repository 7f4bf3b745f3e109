import { createHash } from "node:crypto";
import { beginningOf } from "../../core/text.ts";
import type { ChatAsked } from "./chat-acceptance.ts";

export interface SandboxModel {
  id: string;
  contextLength: number;
  defaultTokens: number;
}

export const MODELS: readonly SandboxModel[] = [
  { id: "LongCat-2.0-Preview", contextLength: 1_048_576, defaultTokens: 32_768 },
  { id: "LongCat-Flash-Chat", contextLength: 131_072, defaultTokens: 8_192 },
];

/** What is answered, in the pieces in which it is streamed. */
export interface Answer {
  model: string;
  tokens: string[];
  reasoning: string[];
  isCut: boolean;
  promptTokens: number;
}

const CHARACTERS_PER_TOKEN = 4;
const MOST_WORDS = 200_000;
const QUOTED = 120;
const FILE = /<file\b[^>]*\bname="([^"]*)"[^>]*>\n?([\s\S]*?)\n?<\/file>/g;
const FILLER =
  "the answer goes on word by word so that a long one can be watched and cut and kept".split(" ");

/**
 * An answer that shows what it was made from: the question, the files by name, size and digest, the
 * system text and the turns before. `Write 500 words` is obeyed.
 */
export function answerTo(request: ChatAsked, model: SandboxModel): Answer {
  const last = request.messages.at(-1)?.content ?? "";
  const everything = request.messages.map(({ content }) => content).join("");
  const files = request.messages.flatMap(({ content }) => [...content.matchAll(FILE)]);
  const question = last.replaceAll(FILE, "").trim();
  const words = Number(/\b(\d[\d,]*) words\b/i.exec(question)?.[1]?.replaceAll(",", "") ?? 0);
  const text =
    words > 0
      ? essay(Math.min(words, MOST_WORDS))
      : [
          `You asked: "${beginningOf(question, QUOTED)}".`,
          ...(request.system === ""
            ? []
            : [`I was told: "${beginningOf(request.system, QUOTED)}".`]),
          ...earlierQuestions(request),
          ...(files.length === 0 ? [] : [`I have read ${files.length} files:`]),
          ...files.map(([, name = "", content = ""]) => `- ${name}: ${described(content)}`),
          "This is the sandbox: nobody thought about it.",
        ].join("\n");
  const tokens = text.match(/\s*\S+/g) ?? [];
  const most = request.maxTokens ?? model.defaultTokens;
  const reasoning = request.thinking
    ? (`The question has ${question.length} characters. I say so.`.match(/\s*\S+/g) ?? [])
    : [];
  return {
    model: model.id,
    tokens: tokens.slice(0, most),
    reasoning,
    isCut: tokens.length > most,
    promptTokens: Math.ceil((request.system.length + everything.length) / CHARACTERS_PER_TOKEN),
  };
}

function earlierQuestions({ messages }: ChatAsked): string[] {
  return messages
    .slice(0, -1)
    .filter(({ role }) => role === "user")
    .map(({ content }) => content.replaceAll(FILE, "").trim())
    .map((question) => `Before, you asked: "${beginningOf(question, QUOTED)}".`);
}

function described(content: string): string {
  const lines = content === "" ? 0 : content.split("\n").length;
  const digest = createHash("sha256").update(content).digest("hex").slice(0, 8);
  return `${lines} lines, ${content.length} characters, digest ${digest}`;
}

function essay(words: number): string {
  return Array.from({ length: words }, (_, n) => FILLER[n % FILLER.length]).join(" ");
}
