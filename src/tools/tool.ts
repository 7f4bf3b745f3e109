import type { CallToolResult, ContentBlock, ToolAnnotations } from "@modelcontextprotocol/server";
import type * as z from "zod";
import { argumentReader, type ReadArguments } from "../arguments/reader.ts";
import { toAppError } from "../core/errors.ts";
import { isLoopbackHost } from "../core/host-addresses.ts";
import { madeOnce } from "../core/made-once.ts";
import type { Redact } from "../core/redact.ts";
import { message } from "../core/text.ts";
import { VIEWER_URI } from "../core/uris.ts";
import { whileAsking } from "../questions/while-asking.ts";
import type { Settings } from "../settings/settings.ts";
import { isTaskAnswer } from "../tasks/task.ts";
import { advertisedSchema } from "./advertised-schema.ts";
import { bounded } from "./bounded.ts";
import { completedMeanwhile } from "./completed-meanwhile.ts";
import { errorResult, textBlock } from "./result.ts";
import type { Call, ToolDeps } from "./services.ts";
import { sentencesFor } from "./whereabouts.ts";

/**
 * `start` sends something, `read` looks, `add` makes what was not there, `change` alters what is
 * ours, `remove` can delete it.
 */
export type ToolKind = "start" | "read" | "add" | "change" | "remove";

const HINTS: Readonly<Record<ToolKind, ToolAnnotations>> = {
  start: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: true,
  },
  read: { readOnlyHint: true, openWorldHint: true },
  add: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: false,
  },
  change: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  remove: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: false,
  },
};

export interface ToolMeta {
  /** What shows its results, in hosts that can. */
  ui?: { resourceUri: string };
  /** Words that people use for it: hosts with many tools find them by words. */
  "anthropic/searchHint"?: string;
  /** How long an answer may be before it is put into a file. */
  "anthropic/maxResultSizeChars"?: number;
}

export interface Tool {
  name: string;
  title: string;
  description: string;
  annotations: ToolAnnotations;
  /** What hosts read beside the protocol's own fields. */
  meta: ToolMeta;
  /** JSON Schema of the arguments, as advertised. */
  inputSchema: Record<string, unknown>;
  /** The same as callers elsewhere are told, who have nothing on this machine. */
  elsewhere: Pick<Tool, "description" | "inputSchema">;
  /** Whether only callers elsewhere have it. */
  isForElsewhere: boolean;
  /**
   * What the data looks like, for tools whose results are data. It is not advertised: no host is
   * known to use it, and every one pays for it in tokens.
   */
  output?: z.ZodObject | undefined;
  /** Whether the same arguments get the same answer as long as the program runs. */
  isConstant: boolean;
  /** What a call's arguments mean. @throws {invalid_input} */
  read(args: unknown, isRemote?: boolean): ReadArguments;
  /** Never throws: every failure is a result. */
  call(args: unknown, call: Call): Promise<CallToolResult>;
}

/** What a tool is made of. Its schemas are made for its first call: most sessions call a few tools. */
export interface ToolSpec<I extends z.ZodObject, L extends z.ZodObject> {
  name: string;
  title: string;
  description: string;
  /** Words that people use for it and that its title and description do not have. */
  searchHint?: string;
  /** How many characters an answer may have that is to be seen whole, where that is many. */
  longestAnswer?: number;
  /** For callers elsewhere, where that differs. */
  descriptionElsewhere?: string;
  isForElsewhere?: boolean;
  kind: ToolKind;
  /** Hosts with MCP Apps show its answers on the viewer page. */
  isViewed?: boolean;
  input: () => I;
  /** Arguments that name places on this machine: callers elsewhere have none of them. */
  local?: () => L;
  /** More arguments, of a schema that only runs know; `run` gets them as they were read. */
  more?: z.ZodObject;
  output?: () => z.ZodObject;
  /** Says that the same arguments get the same answer as long as the program runs. */
  isConstant?: true;
  /**
   * @param values all arguments as they were read.
   * @param local `undefined` for callers elsewhere.
   */
  run: (
    input: z.output<I>,
    call: Call,
    values: Record<string, unknown>,
    local: z.output<L> | undefined,
  ) => Promise<ContentBlock[] | CallToolResult>;
}

/**
 * Makes a tool of a spec: hints from its kind, arguments read by us, once and for all that comes
 * after, and whatever is thrown rendered for the assistant.
 */
export function defineTool<I extends z.ZodObject, L extends z.ZodObject>(
  deps: ToolDeps,
  spec: ToolSpec<I, L>,
): Tool {
  const schemas = madeOnce(() => {
    const [input, local] = [spec.input(), spec.local?.()];
    const common = spec.more ? spec.more.extend(input.shape) : input;
    return { input, local, common, all: local ? common.extend(local.shape) : common };
  });
  const mayBeLocal = isProviderLocal(deps.settings);
  const reader = (input: z.ZodObject, isRemote: boolean) =>
    argumentReader(spec.name, input, { mayBeLocal, isRemote }, deps.redact);
  const here = madeOnce(() => reader(schemas().all, false));
  const elsewhere = madeOnce(() => reader(schemas().common, true));
  const read: Tool["read"] = (args, isRemote = false) =>
    isRemote ? elsewhere()(args) : here()(args);
  return {
    name: spec.name,
    title: spec.title,
    description: spec.description,
    annotations: HINTS[spec.kind],
    meta: {
      ...(spec.isViewed && { ui: { resourceUri: VIEWER_URI } }),
      ...(spec.searchHint && { "anthropic/searchHint": spec.searchHint }),
      ...(spec.longestAnswer && { "anthropic/maxResultSizeChars": spec.longestAnswer }),
    },
    // Lists are made of what was prepared; a session that calls tools need not make it again.
    get inputSchema() {
      return advertisedSchema(schemas().all);
    },
    elsewhere: {
      description: spec.descriptionElsewhere ?? spec.description,
      get inputSchema() {
        return advertisedSchema(schemas().common, true);
      },
    },
    isForElsewhere: spec.isForElsewhere === true,
    get output() {
      return spec.output?.();
    },
    isConstant: spec.isConstant === true,
    read,
    async call(args, call) {
      const { say } = sentencesFor(call.caller, deps.settings);
      try {
        const { isRemote } = call.caller;
        const { values, notes } = read(args, isRemote);
        const local = isRemote ? undefined : schemas().local?.parse(values);
        const asked = await askedCall(deps, { tool: spec.name, args: values, call });
        const made = await whileAsking(asked, (asking) =>
          spec.run(
            schemas().input.parse(values),
            Object.assign({}, call, { asking }),
            values,
            local,
          ),
        );
        // The question is the answer.
        if (made === undefined) return { content: [] };
        const result = Array.isArray(made) ? { content: made } : made;
        if (isTaskAnswer(result)) return result;
        const completed = call.signal.aborted ? undefined : await completedMeanwhile(deps, call);
        const more = [
          ...notes.map((note) => textBlock(`Note: ${message(note)}`)),
          ...(completed ? [completed] : []),
        ];
        return bounded(
          more.length > 0 ? { ...result, content: [...result.content, ...more] } : result,
        );
      } catch (error) {
        if (toAppError(error).code === "internal") {
          deps.log.error({ tool: spec.name, err: error }, "tool call failed");
        }
        return bounded(withoutKeys(errorResult(error, deps.settings, say), deps.redact));
      }
    },
  };
}

/** The call as one that can ask its user, where its client lets it. */
async function askedCall(
  { questions }: ToolDeps,
  { tool, args, call }: { tool: string; args: Record<string, unknown>; call: Call },
) {
  const { way, caller, signal, progress } = call;
  return way && questions?.of({ owner: caller.owner, tool, args, signal, progress }, way);
}

/** What is wrong with arguments is told in their own words, among which a key may be. */
function withoutKeys(result: CallToolResult, redact: Redact): CallToolResult {
  const content = result.content.map((block) =>
    block.type === "text" ? { ...block, text: redact(block.text) } : block,
  );
  return { ...result, content };
}

/** Whether the provider of pictures is on this machine, and sees what only this machine sees. */
function isProviderLocal({ sandbox, baseUrl }: Settings): boolean {
  return sandbox || isLoopbackHost(new URL(baseUrl).hostname);
}
