import type { ChatMessage, ChatRequest, ChatText } from "../gateway/chat-body.ts";
import type { ThreadFile, ThreadStore, Turn } from "./threads.ts";
import { estimateTokens } from "./tokens.ts";

/** An earlier turn that was answered, with what it weighs. */
export interface PastTurn {
  turn: Turn;
  answer: string;
  files: ThreadFile[];
  tokens: number;
}

/** The turns before one that belong to the conversation: those that got an answer. */
export async function pastTurns(
  store: ThreadStore,
  threadId: string,
  before: number,
): Promise<PastTurn[]> {
  const turns = (await store.turns(threadId)).filter((turn) => turn.seq < before && turn.outcome);
  const files = turns.length > 0 ? await store.files(threadId) : [];
  const past: PastTurn[] = [];
  for (const turn of turns) {
    const { answer } = await store.said(turn.jobId);
    if (answer.trim() === "") continue;
    const own = files.filter((file) => file.jobId === turn.jobId);
    const tokens =
      estimateTokens(turn.request.prompt) +
      estimateTokens(answer) +
      own.reduce((sum, file) => sum + file.tokens, 0);
    past.push({ turn, answer, files: own, tokens });
  }
  return past;
}

/** A turn as it is sent: what was attached and said before, and then itself. */
export function chatRequest(
  store: ThreadStore,
  turn: Turn,
  files: readonly ThreadFile[],
  past: readonly PastTurn[],
): ChatRequest {
  const { prompt, format, model, system, maxTokens, temperature, topP, thinking } = turn.request;
  const messages: ChatMessage[] = past.flatMap(({ turn: earlier, answer, files: attached }) => [
    { role: "user" as const, content: userText(store, earlier.request.prompt, attached) },
    { role: "assistant" as const, content: [answer] },
  ]);
  messages.push({ role: "user", content: userText(store, prompt, files) });
  const lastSystem = past.findLast((one) => one.turn.request.system !== undefined);
  return {
    format,
    model,
    system: system ?? lastSystem?.turn.request.system,
    messages,
    maxTokens,
    temperature,
    topP,
    thinking,
  };
}

/** The files in their order, each under its name, and then what is asked about them. */
function userText(store: ThreadStore, prompt: string, files: readonly ThreadFile[]): ChatText[] {
  if (files.length === 0) return [prompt];
  return [
    ...files.flatMap((file, position): ChatText[] => [
      `<file index="${position + 1}" name="${attribute(file.name)}">\n`,
      store.content(file),
      "\n</file>\n",
    ]),
    `\n${prompt}`,
  ];
}

/** A name that cannot end its own quotation marks or line. */
function attribute(name: string): string {
  return name
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, "")
    .replaceAll("&", "&amp;")
    .replaceAll('"', "&quot;")
    .replaceAll("<", "&lt;");
}
