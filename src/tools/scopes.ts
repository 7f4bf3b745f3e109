import { CHAT_OPERATION } from "../chat/chat-operation.ts";
import type { Caller, Scope } from "../core/caller.ts";
import { AppError } from "../core/errors.ts";
import { roomOf } from "../core/uris.ts";
import { noSuchJob } from "../jobs/require-job.ts";
import { OPERATION_NAMES } from "../models/names.prepared.ts";

/*
 * What callers may do. Where several scopes are named, any of them will do; the first is the one to
 * ask for.
 */

const READS: readonly Scope[] = ["jobs:read"];
const BUYS: readonly Scope[] = ["jobs:buy"];
const CHATS: readonly Scope[] = ["chat"];
const OF_JOBS: readonly Scope[] = ["jobs:read", "chat"];

const OF_TOOLS: ReadonlyMap<string, readonly Scope[]> = new Map<string, readonly Scope[]>([
  ...OPERATION_NAMES.map(({ name }) => [name, BUYS] as const),
  // A request id that is nobody's yet is a matter for `admin`, wherever it is asked for.
  ["job_status", ["jobs:read", "chat", "admin"]],
  ["job_list", OF_JOBS],
  ["job_cancel", ["jobs:buy", "chat"]],
  ["job_delete", ["jobs:buy", "chat"]],
  ["media_save", READS],
  ["upload_link", ["jobs:buy", "chat"]],
  ["image_models", READS],
  ["spending", READS],
  ["longcat_image_legacy_status", ["admin"]],
  [CHAT_OPERATION, CHATS],
  ["longcat_models", CHATS],
  ["chat_threads", CHATS],
]);

/** By the name that each is registered with. */
const OF_RESOURCES: Readonly<Record<string, readonly Scope[]>> = {
  job: OF_JOBS,
  media: OF_JOBS,
  preview: OF_JOBS,
  thread: CHATS,
  model: READS,
};
/** By what an address begins with. */
const ROOMS: Readonly<Record<string, readonly Scope[]>> = {
  jobs: OF_JOBS,
  media: OF_JOBS,
  threads: CHATS,
  models: READS,
};

export function mayCall(caller: Caller, tool: string): boolean {
  return lackingOf(caller, OF_TOOLS.get(tool)) === undefined;
}

/** Whether a resource, named as it is registered, is there for a caller. */
export function mayRead(caller: Caller, resource: string): boolean {
  return lackingOf(caller, OF_RESOURCES[resource]) === undefined;
}

/** Whether a prompt is there for a caller: each opens what a tool does. */
export function maySay(caller: Caller, prompt: string): boolean {
  return lackingOf(caller, scopesOfPrompt(prompt)) === undefined;
}

/** Whether a caller sees a job of their own. */
export function seesJob({ scopes }: Caller, { operation }: { operation: string }): boolean {
  return scopes.has("jobs:read") || (scopes.has("chat") && operation === CHAT_OPERATION);
}

/** The only operation whose jobs a caller sees, where it is not all. */
export function onlyOperation({ scopes }: Caller): string | undefined {
  return scopes.has("jobs:read") ? undefined : CHAT_OPERATION;
}

/** @throws {not_found} for a job that a caller does not see, as for one that is nowhere */
export function requireSeen(caller: Caller, job: { jobId: string; operation: string }): void {
  if (!seesJob(caller, job)) throw noSuchJob(job.jobId);
}

/** Whether a caller may cancel and delete a job of their own. */
export function mayChange({ scopes }: Caller, { operation }: { operation: string }): boolean {
  return scopes.has("jobs:buy") || (scopes.has("chat") && operation === CHAT_OPERATION);
}

/** @throws {forbidden} for a job of their own that a caller may see, and not change */
export function requireChange(caller: Caller, job: { operation: string }): void {
  if (mayChange(caller, job)) return;
  throw new AppError("forbidden", "Pictures are cancelled and deleted with the scope `jobs:buy`.", {
    next: "Ask the user for a token with that scope; nothing was changed.",
  });
}

/**
 * The scope that a caller lacks for a message, if it asks for something that there is.
 * @param message one, or several, as they were sent
 */
export function lackingScope(caller: Caller, message: unknown): Scope | undefined {
  if (Array.isArray(message)) {
    return message.map((one) => lackingScope(caller, one)).find((scope) => scope !== undefined);
  }
  const { method, params } = fieldsIn(message);
  const { name, uri, ref } = fieldsIn(params);
  switch (method) {
    case "tools/call":
      return typeof name === "string" ? lackingOf(caller, OF_TOOLS.get(name)) : undefined;
    case "prompts/get":
      return lackingOf(caller, scopesOfPrompt(name));
    case "tasks/get":
    case "tasks/update":
      return lackingOf(caller, OF_JOBS);
    case "tasks/cancel":
      return lackingOf(caller, OF_TOOLS.get("job_cancel"));
    case "resources/read":
    case "resources/subscribe":
    case "resources/unsubscribe":
      return lackingOf(caller, scopesOfUri(uri));
    case "completion/complete": {
      const named = fieldsIn(ref);
      return lackingOf(caller, scopesOfPrompt(named["name"]) ?? scopesOfUri(named["uri"]));
    }
    default:
      return undefined;
  }
}

function lackingOf({ scopes }: Caller, any: readonly Scope[] | undefined): Scope | undefined {
  return any?.some((scope) => scopes.has(scope)) ? undefined : any?.[0];
}

function scopesOfPrompt(name: unknown): readonly Scope[] | undefined {
  if (typeof name !== "string") return undefined;
  return name === "delegate" ? CHATS : BUYS;
}

function scopesOfUri(uri: unknown): readonly Scope[] | undefined {
  const room = typeof uri === "string" ? roomOf(uri) : undefined;
  return room === undefined ? undefined : ROOMS[room];
}

function fieldsIn(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
