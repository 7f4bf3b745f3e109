import { oneLine } from "../core/text.ts";
import type { ChatMessage, ChatRequest, ChatText } from "../gateway/chat-body.ts";
import type { ThreadFile, Turn } from "./thread.ts";
import type { ThreadStore } from "./thread-store.ts";
import { estimateTokens } from "./tokens.ts";

/** What one message of the user holds. */
export interface Asked {
  /** The last is the message's own question; those before it were answered with no word. */
  turns: Turn[];
  /** Also of turns that came to nothing: what is attached stays with its thread. */
  files: ThreadFile[];
}

/** An earlier turn that was answered, with what it weighs. */
export interface PastTurn extends Asked {
  /** Of the turn that was answered. */
  seq: number;
  answer: string;
  tokens: number;
}

/** A thread as it stands before a turn. */
export interface Past {
  answered: PastTurn[];
  /** What goes along with the turn, because no answer has come to it yet. */
  waiting: Asked;
}

/**
 * The conversation before a turn: the turns that got an answer. The question of one whose answer
 * was empty goes along with the next one; of one that failed, only its files do.
 */
export async function pastOf(
  store: ThreadStore,
  owner: string,
  threadId: string,
  before: number,
): Promise<Past> {
  const turns = (await store.turns(owner, threadId)).filter((turn) => turn.seq < before);
  const files = turns.length > 0 ? await store.files(owner, threadId) : [];
  const answered: PastTurn[] = [];
  let waiting: Asked = { turns: [], files: [] };
  for (const turn of turns) {
    waiting.files.push(...files.filter((file) => file.jobId === turn.jobId));
    if (!turn.outcome) continue;
    waiting.turns.push(turn);
    const { answer } = await store.said(owner, turn.jobId);
    if (answer.trim() === "") continue;
    const tokens = tokensOf(waiting) + estimateTokens(answer);
    answered.push({ ...waiting, seq: turn.seq, answer, tokens });
    waiting = { turns: [], files: [] };
  }
  return { answered, waiting };
}

/** Where the text of an attached file is taken from when a message is made. */
export interface TextSource {
  content(owner: string, file: ThreadFile): ChatText;
}

/** What a message weighs. */
export function tokensOf({ turns, files }: Asked): number {
  return (
    turns.reduce((sum, turn) => sum + estimateTokens(turn.request.prompt), 0) +
    files.reduce((sum, file) => sum + file.tokens, 0)
  );
}

/** A turn as it is sent: what was attached and said before, and then itself. */
export function chatRequest(
  store: TextSource,
  owner: string,
  turn: Turn,
  files: readonly ThreadFile[],
  { answered, waiting }: Past,
): ChatRequest {
  const { format, model, maxTokens, temperature, topP, thinking } = turn.request;
  const last: Asked = {
    turns: [...waiting.turns, turn],
    files: [...waiting.files, ...files],
  };
  const messages: ChatMessage[] = answered.flatMap((one) => [
    { role: "user" as const, content: userText(store, owner, one) },
    { role: "assistant" as const, content: [one.answer] },
  ]);
  messages.push({ role: "user", content: userText(store, owner, last) });
  const asked = [...answered.flatMap((one) => one.turns), ...last.turns];
  return {
    format,
    model,
    system: asked.findLast((one) => one.request.system !== undefined)?.request.system,
    messages,
    maxTokens,
    temperature,
    topP,
    thinking,
  };
}

/** The files in their order, each under its name, and then what is asked about them. */
function userText(store: TextSource, owner: string, { turns, files }: Asked): ChatText[] {
  const prompt = turns.map((turn) => turn.request.prompt).join("\n\n");
  if (files.length === 0) return [prompt];
  return [
    ...files.flatMap((file, position): ChatText[] => [
      `<file index="${position + 1}" name="${attribute(file.name)}">\n`,
      store.content(owner, file),
      "\n</file>\n",
    ]),
    `\n${prompt}`,
  ];
}

/** A name that cannot end its own quotation marks or line. */
function attribute(name: string): string {
  return oneLine(name).replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
