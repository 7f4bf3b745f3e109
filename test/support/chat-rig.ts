import type { ServerResponse } from "node:http";
import * as z from "zod";
import { Delegate } from "../../src/chat/delegate.ts";
import type { TurnArguments } from "../../src/chat/turn-draft.ts";
import type { Caps } from "../../src/core/money.ts";
import { createRedact } from "../../src/core/redact.ts";
import { LongcatClient } from "../../src/gateway/longcat.ts";
import { perOwner } from "../../src/gateway/per-owner.ts";
import type { Job } from "../../src/jobs/job.ts";
import { SqliteThreadStore } from "../../src/storage/sqlite/sqlite-thread-store.ts";
import { type Hit, json, rawServer } from "./raw-server.ts";
import { CALLER, NO_UPLOADS, openRig, type Rig, type RigOptions, until } from "./rig.ts";

const KEY = "key-0123456789";

export interface ChatRigOptions extends RigOptions {
  trimHistory?: boolean;
  caps?: Caps;
}

export interface ChatRig extends Rig {
  delegate: Delegate;
  threads: SqliteThreadStore;
  ask(prompt: string, more?: Partial<TurnArguments>): Promise<Job>;
}

/** Delegated turns with everything real, on a chat platform of the test's choice. */
export async function openChatRig(options: ChatRigOptions): Promise<ChatRig> {
  let delegate: Delegate | undefined;
  let threads: SqliteThreadStore | undefined;
  const rig = await openRig({
    ...options,
    kind: (parts) => {
      threads = new SqliteThreadStore(parts.connection, parts.holder);
      delegate = new Delegate({
        ...parts,
        client: perOwner(
          () =>
            new LongcatClient({
              http: parts.http,
              clock: parts.clock,
              baseUrl: options.origin,
              apiKey: () => KEY,
              redact: createRedact([KEY]),
            }),
        ),
        threads,
        uploads: NO_UPLOADS,
        places: { allowedDirs: [parts.folder], workingDir: parts.folder, homeDir: parts.folder },
        defaultModel: "LongCat-2.0-Preview",
        trimHistory: options.trimHistory ?? false,
        caps: options.caps ?? { perDayUsd: undefined, perMonthUsd: undefined },
      });
      return delegate;
    },
  });
  if (!delegate || !threads) throw new Error("the runner was made without its kind");
  const asked = delegate;
  return {
    ...rig,
    delegate,
    threads,
    ask: async (prompt, more = {}) => {
      const turn = { prompt, format: "openai" as const, ...more };
      return (await rig.runner.start(asked, CALLER, turn)).job;
    },
  };
}

/** One chunk of a stream in the OpenAI format. */
export function chunk(content: string, finish: string | null = null): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: finish }];
  return `data: ${JSON.stringify({ model: "LongCat-2.0-Preview", choices })}\n\n`;
}

/** Answers with a whole stream. */
export function stream(response: ServerResponse, ...pieces: string[]): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(`${pieces.join("")}data: [DONE]\n\n`);
}

const bodySchema = z.looseObject({
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
});

/** What the model was sent. */
export const messagesOf = (hit: Hit | undefined) =>
  bodySchema.parse(JSON.parse(hit?.body ?? "")).messages;

export const posts = (hits: readonly Hit[]) => hits.filter((hit) => hit.method === "POST");

export const threadOf = (job: Job) => String(job.threadId);

/** A platform that says "Answer n." to the n-th question. */
export async function answering() {
  let count = 0;
  return rawServer((hit, response) => {
    if (hit.method === "GET") return json(response, 200, { id: "m", context_length: 1_048_576 });
    return stream(response, chunk(`Answer ${++count}.`, "stop"));
  });
}

/** A platform that leaves each answer to the test. */
export async function held() {
  const responses: ServerResponse[] = [];
  const server = await rawServer((_hit, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    responses.push(response);
  });
  return { ...server, next: () => until(() => responses.shift(), "a question") };
}
