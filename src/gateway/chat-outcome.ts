import { AppError } from "../core/errors.ts";
import type { Redact } from "../core/redact.ts";
import { SERVICE_KEYS } from "../core/service-keys.ts";
import { type HttpReply, TransportFailure } from "./exchange.ts";
import { failureOf, isUnsettled, type Service } from "./failures.ts";
import { parseJson, redactBody } from "./gateway-reply.ts";

/** The platform, as errors name it. */
export const LONGCAT: Service = {
  name: SERVICE_KEYS.chatApiKey.name,
  keyVariable: SERVICE_KEYS.chatApiKey.env,
};
const REPORTED = "The provider broke off with an error";

const STATUS_OF_TYPE: readonly (readonly [RegExp, number])[] = [
  [/quota|balance|billing|credit/i, 402],
  [/rate_limit/i, 429],
  [/authentication/i, 401],
  [/permission/i, 403],
  [/invalid_request|invalid_parameter|content/i, 400],
];

/** Everything a turn can come to. */
export type ChatOutcome =
  /** It came to its end; `marked` whether the provider said so, and perhaps without a word. */
  | { kind: "ended"; marked: boolean }
  /** The stream broke off, or the provider reported an error in it. */
  | { kind: "cut"; error: AppError }
  /** Refused for good. */
  | { kind: "refused"; error: AppError }
  /** Provably not taken: no connection, 429, or 503. May be sent again. */
  | { kind: "not_taken"; error: AppError }
  /** May have been accepted. Never sent again. */
  | { kind: "uncertain"; error: AppError };

/** What an answer that is none means: whether it may be sent again, and what to tell. */
export function refusal(reply: HttpReply, redact: Redact): ChatOutcome {
  const redacted = { ...reply, text: redactBody(reply.text, redact) };
  const wrong = reply.status === 404 ? wrongPath(redacted, "submit") : undefined;
  if (wrong) return { kind: "refused", error: wrong };
  const isBusy = reply.status === 503;
  const error = failureOf(redacted, isBusy ? "read" : "submit", LONGCAT);
  if (isBusy || error.code === "rate_limited") return { kind: "not_taken", error };
  return { kind: isUnsettled(reply.status) ? "uncertain" : "refused", error };
}

/** An error that came inside an answer whose status had said that all is well. */
export function reported(error: string, redact: Redact): ChatOutcome {
  const text = redactBody(error, redact);
  const reply = { status: statusIn(text), headers: {}, text };
  return { kind: "cut", error: failureOf(reply, "read", LONGCAT, REPORTED) };
}

function statusIn(error: string): number {
  const code = /"(?:code|status)"\s*:\s*"?([45]\d\d)\b/.exec(error)?.[1];
  if (code !== undefined) return Number(code);
  return STATUS_OF_TYPE.find(([type]) => type.test(error))?.[1] ?? 500;
}

/** The platform's own 404 is JSON; a page means that the address is not the platform's. */
export function wrongPath(reply: HttpReply, purpose: "submit" | "read"): AppError | undefined {
  if (parseJson(reply.text) !== undefined) return undefined;
  const { message } = failureOf(reply, purpose, LONGCAT);
  return new AppError("configuration", `${message} The base URL is likely wrong.`, {
    next: "Correct LONGCAT_BASE_URL and restart the server.",
  });
}

/** What no answer at all means. */
export function notAnswered(error: unknown): ChatOutcome {
  if (!(error instanceof TransportFailure)) throw error;
  if (error.sent) {
    const message = `The request was sent, but no answer came: ${error.message}.`;
    return { kind: "uncertain", error: new AppError("outcome_unknown", message, { cause: error }) };
  }
  const message = `The provider could not be reached: ${error.message}.`;
  return {
    kind: "not_taken",
    error: new AppError("upstream_unavailable", message, { cause: error }),
  };
}

/** What an answer comes to that broke off. */
export function cut(reason: string, cause?: unknown): ChatOutcome {
  const message = `The answer broke off: ${reason}.`;
  return { kind: "cut", error: new AppError("outcome_unknown", message, { cause }) };
}

/** What became of a request that was accepted and got an answer without a word in it. */
export function nothingSaid(isForeign: boolean): ChatOutcome {
  if (isForeign) {
    const message = "The provider's answer is neither a stream nor JSON.";
    return { kind: "refused", error: new AppError("bad_upstream_reply", message) };
  }
  const message = "The provider accepted the request, but its answer ended before it began.";
  return { kind: "uncertain", error: new AppError("outcome_unknown", message) };
}
