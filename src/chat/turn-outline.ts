import { byteCount, grouped, oneLine } from "../core/text.ts";
import { chatBody } from "../gateway/chat-body.ts";
import type { Outline } from "../jobs/job-kind.ts";
import type { ChatContext } from "./chat-context.ts";
import { chatRequest, type Past, pastOf, type TextSource } from "./history.ts";
import type { ThreadFile, TurnRequest } from "./thread.ts";

/** The texts of files are named, not told. */
const NAMED: TextSource = { content: (_owner, file) => `(${sizeOf(file)})` };

/** What a turn would send, and what it reads for that. */
export async function outlineTurn(
  { threads, client }: ChatContext,
  owner: string,
  turn: {
    threadId: string;
    request: TurnRequest;
    files: readonly ThreadFile[];
    leftOut: readonly number[];
  },
): Promise<Outline> {
  const { threadId, request, files, leftOut } = turn;
  const before = await pastOf(threads, owner, threadId, Number.MAX_SAFE_INTEGER);
  const past: Past = {
    ...before,
    answered: before.answered.filter(({ seq }) => !leftOut.includes(seq)),
  };
  const own = {
    ...{ seq: 0, jobId: "", threadId, request, outcome: undefined, isOpen: true, createdAt: 0 },
  };
  const body = chatBody(chatRequest(NAMED, owner, own, files, past));
  const pieces: Uint8Array[] = [];
  for await (const piece of body.pieces()) pieces.push(piece);
  return {
    url: client.of(owner).address(request.format),
    body: JSON.parse(Buffer.concat(pieces).toString()),
    files: files.map((file) => `${oneLine(file.name)}: ${sizeOf(file)}`),
    refusals: [],
  };
}

function sizeOf({ sizeBytes, tokens }: ThreadFile): string {
  return `text, ${byteCount(sizeBytes)}, about ${grouped(tokens)} tokens`;
}
