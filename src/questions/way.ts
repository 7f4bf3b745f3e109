import type { InputRequiredResult } from "@modelcontextprotocol/server";
import type { ElicitationForm } from "./form.ts";

/** A client that is asked while its call goes on: revisions of 2025. */
export interface WithinCall {
  kind: "within";
  /**
   * Sends the form and waits for what the client answers to it.
   * @param signal takes the question back.
   */
  send(form: ElicitationForm, signal: AbortSignal): Promise<unknown>;
}

/** A client that gets the question as the answer to its call, and calls again: since 2026-07-28. */
export interface BetweenCalls {
  kind: "between";
  /** What came back with this call of what was sent with an earlier one's answer. */
  state: string | undefined;
  replies: Readonly<Record<string, unknown>>;
  /** Makes this the answer to the call. */
  send(result: InputRequiredResult): void;
}

export type Way = WithinCall | BetweenCalls;
