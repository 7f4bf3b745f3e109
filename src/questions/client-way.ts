import type {
  InputRequiredResult,
  McpRequestContext,
  ServerContext,
} from "@modelcontextprotocol/server";
import { showsForms } from "./form.ts";
import type { Way } from "./way.ts";

/** Longer than any question waits: when it is over is decided elsewhere. */
const LONGEST_MS = 86_400_000;

/**
 * How the client of a request lets its user be asked.
 * @param declared what it says that it can do
 * @param answerWith makes a question the answer to the request
 * @returns `undefined` where it does not
 */
export function wayOf(
  era: McpRequestContext["era"],
  { mcpReq }: Pick<ServerContext, "mcpReq">,
  declared: unknown,
  answerWith: (result: InputRequiredResult) => void,
): Way | undefined {
  if (!showsForms(declared)) return undefined;
  if (era === "modern") {
    const { inputResponses = {} } = mcpReq;
    const state = mcpReq.requestState<string>();
    return { kind: "between", state, replies: { ...inputResponses }, send: answerWith };
  }
  return {
    kind: "within",
    send: (params, signal) =>
      mcpReq.send(
        { method: "elicitation/create", params: { ...params } },
        { signal, timeout: LONGEST_MS },
      ),
  };
}
