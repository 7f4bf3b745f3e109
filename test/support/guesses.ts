import * as z from "zod";
import { newJobId, newThreadId } from "../../src/core/ids.ts";
import { uris } from "../../src/core/uris.ts";
import { OPERATIONS } from "../../src/models/catalogue.ts";

/** What one owner's things are called; a second set of such names is nobody's. */
export interface Names {
  jobId: string;
  chatJobId: string;
  deletedJobId: string;
  threadId: string;
  requestId: string;
  uploadId: string;
}

/** Names of nothing. @param requestId of something, which the result's is like. */
export function nobodys(requestId: string): Names {
  return {
    jobId: newJobId(),
    chatJobId: newJobId(),
    deletedJobId: newJobId(),
    threadId: newThreadId(),
    requestId: requestId.replace(/[0-9a-f]{12}$/, "0123456789ab"),
    uploadId: newUploadId(),
  };
}

/** An upload that nobody has been invited to. */
export function newUploadId(): string {
  return newJobId().replace("job_", "");
}

/** Arguments that can name something of an owner's, and what a guess puts there. */
const NAMING: Record<string, (of: Names) => string[]> = {
  job_id: (of) => [of.jobId, of.chatJobId, of.deletedJobId],
  request_id: (of) => [of.requestId],
  thread_id: (of) => [of.threadId],
  media: (of) => [uris.medium(of.jobId, 1), uris.medium(of.deletedJobId, 1)],
  files: (of) => [
    uris.medium(of.jobId, 1),
    uris.upload(of.uploadId),
    uris.job(of.chatJobId),
    uris.job(of.deletedJobId),
    uris.thread(of.threadId),
  ],
  ...Object.fromEntries(
    OPERATIONS.flatMap(({ files }) => files.map(({ name }) => name)).map((name) => [
      name,
      (of: Names) => [
        uris.medium(of.jobId, 1),
        uris.medium(of.deletedJobId, 1),
        uris.upload(of.uploadId),
      ],
    ]),
  ),
};
/** Arguments that lead to things of many, and have tests of their own below. */
const LEADING = ["cursor", "query", "idempotency_key"];
/** Arguments that can name nothing, beside those of the operations; switches are tried at each guess. */
const HARMLESS = [
  ...["prompt", "system", "model", "max_tokens", "temperature", "top_p", "api_format"],
  ...["wait_seconds", "save_to", "max_cost_usd", "limit", "state", "operation", "action"],
  ...["since", "until", "index", "format", "max_side", "quality", "previews", "filename"],
];

export const toolSchema = z.looseObject({
  name: z.string(),
  inputSchema: z.looseObject({
    properties: z
      .record(
        z.string(),
        z.looseObject({ type: z.unknown().optional(), enum: z.array(z.string()).optional() }),
      )
      .default({}),
    required: z.array(z.string()).default([]),
  }),
});
export type ToolEntry = z.infer<typeof toolSchema>;

/** Arguments of the operation's own that are neither files nor of the program. */
const ownOf = (tool: ToolEntry) => {
  const operation = OPERATIONS.find(({ name }) => name === tool.name);
  return Object.keys(operation?.input.shape ?? {}).filter((name) => !(name in NAMING));
};

/** The arguments of a tool of which this file does not know whether they can name something. */
export function strangersIn(tool: ToolEntry): string[] {
  const known = [...Object.keys(NAMING), ...LEADING, ...HARMLESS];
  const { properties } = tool.inputSchema;
  return Object.keys(properties).filter(
    (name) =>
      properties[name]?.type !== "boolean" && !known.includes(name) && !ownOf(tool).includes(name),
  );
}

/** Whether a guess is looked at: a list looks at no id, and the check of a set at local ones. */
export function isLookedAt(args: Record<string, unknown>): boolean {
  return args["action"] !== "list" && args["dataset_check"] !== true;
}

/** What is said of what is nowhere. */
export const NOWHERE = /not_found|There is no|does not exist|There was no/;

/** What a call of a tool needs beside the guess, where its schema wants something. */
const NEEDED: Record<string, Record<string, unknown>> = {
  longcat_chat: { prompt: "And?" },
  media_save: { save_to: "out/bens.png" },
  ...Object.fromEntries(OPERATIONS.map(({ name, example }) => [name, example])),
};

/** Every call of a tool that names something, each with every switch and every action. */
export function guessesAt(tool: ToolEntry, of: Names): Record<string, unknown>[] {
  const { properties } = tool.inputSchema;
  const own = ownOf(tool);
  const isSwitch = (name: string) => properties[name]?.type === "boolean" && !own.includes(name);
  const switches = Object.keys(properties).filter(isSwitch);
  const actions = properties["action"]?.enum ?? [undefined];
  const named = Object.keys(properties).filter((name) => name in NAMING && !isSwitch(name));
  return named.flatMap((name) =>
    (NAMING[name]?.(of) ?? []).flatMap((value) =>
      actions.flatMap((action) => {
        const given = properties[name]?.type === "array" ? [value] : value;
        const needed = Object.entries(NEEDED[tool.name] ?? {}).filter(([key]) => key in properties);
        const more = action ? { action } : {};
        const args = { ...Object.fromEntries(needed), ...more, [name]: given };
        return [args, ...switches.map((one) => ({ ...args, [one]: true }))];
      }),
    ),
  );
}

export const textOf = (result: unknown) => JSON.stringify(result);
export const caught = async (work: Promise<unknown>) =>
  work.then(textOf, (error: unknown) => `rejected: ${error instanceof Error ? error.message : ""}`);

/** What was answered, whoever's the names in it are. */
export function nameless(text: string, of: Names): string {
  return Object.entries(of).reduce((all, [kind, name]) => all.replaceAll(name, kind), text);
}

export const madeSchema = z.string().transform((text) => ({
  jobId: /job_[a-z2-7]{26}/.exec(text)?.[0] ?? "",
  threadId: /thread_[a-z2-7]{26}/.exec(text)?.[0] ?? "",
}));
