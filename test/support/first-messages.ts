import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as z from "zod";

const FOLDER = resolve(import.meta.dirname, "../front/first-messages");

const messageSchema = z.looseObject({
  method: z.string(),
  id: z.union([z.string(), z.number()]).optional(),
});

/** What a client says first, as it goes over the wire. */
export interface FirstMessages {
  /** The client, and how it begins where it has several ways. */
  name: string;
  lines: readonly string[];
  messages: readonly z.output<typeof messageSchema>[];
}

/** Recorded of hosts, and of the client libraries, a message a line; a file for each way to begin. */
export function firstMessages(): FirstMessages[] {
  return readdirSync(FOLDER).map((file) => {
    const lines = readFileSync(join(FOLDER, file), "utf8").trimEnd().split("\n");
    const messages = lines.map((line) => messageSchema.parse(JSON.parse(line)));
    return { name: file.replace(/\.jsonl$/, ""), lines, messages };
  });
}

/** What the front answers by itself, whoever asks. */
export const PREPARED_METHODS: readonly string[] = [
  "initialize",
  "ping",
  "tools/list",
  "prompts/list",
  "resources/templates/list",
  "server/discover",
  "subscriptions/listen",
];
