import * as z from "zod";
import { HOUR_MS } from "../core/clock.ts";
import { AppError, type ErrorCode } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { parseJson } from "./gateway-reply.ts";

const MAX_RETRY_AFTER_MS = HOUR_MS;

/** What a request was for: the same status means different things to a purchase and to a look. */
export type Purpose = "submit" | "read";

/** Who answered, and with which key of ours. */
export interface Service {
  name: string;
  /** The variable that sets the key. */
  keyVariable: string;
}

/** The parts of an HTTP answer that say what went wrong. */
export interface FailureReply {
  status: number;
  headers: Readonly<Record<string, string>>;
  text: string;
}

/**
 * Any refusal of a service, in whatever shape, as one error. One that concerns a key or its account
 * names both.
 * @param event what happened, by default that the service answered with this status.
 */
export function failureOf(
  reply: FailureReply,
  purpose: Purpose,
  service: Service,
  event = `The provider answered HTTP ${reply.status}`,
): AppError {
  const words = upstreamWords(reply.text);
  const code = codeOf(reply.status, words, reply.text, purpose);
  const said = words ? `: ${words}` : ".";
  const key = CONCERNS_KEY.includes(code)
    ? `${words ? " " : ""}(The key is ${service.keyVariable}, for ${service.name}.)`
    : "";
  const next = ADVICE[code]?.(service);
  const retryAfterMs = retryAfter(reply, words);
  return new AppError(code, `${event}${said}${key}`, {
    ...(next === undefined ? {} : { next }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

const CONCERNS_KEY: readonly ErrorCode[] = ["unauthorized", "forbidden", "insufficient_credit"];

const ADVICE: Partial<Record<ErrorCode, (service: Service) => string>> = {
  unauthorized: ({ name, keyVariable }) =>
    `Ask the user to check ${keyVariable}, the key for ${name}; \`longcat-mcp doctor\` shows whether it is set.`,
  forbidden: ({ name, keyVariable }) =>
    `The key in ${keyVariable} may not do this; ask the user to check its subscription at ${name}.`,
  insufficient_credit: ({ name, keyVariable }) =>
    `Ask the user to top up the account of ${keyVariable} at ${name}, then call again.`,
};

/** A job that ended `FAILED` or `ERROR`, or a synchronous answer that carries an error. */
export function jobFailureOf(kind: "failed" | "error", body: string): AppError {
  const words = upstreamWords(body) || "no reason was given";
  if (kind === "error") {
    return new AppError("upstream_unavailable", `The provider had a system error: ${words}`);
  }
  return new AppError(
    speaksOfContent(words) ? "content_rejected" : "upstream_rejected",
    `The provider could not finish the job: ${words}`,
  );
}

function codeOf(status: number, words: string, body: string, purpose: Purpose): ErrorCode {
  if (status === 401) return "unauthorized";
  if (status === 402) return "insufficient_credit";
  if (status === 403) return /insufficient_quota/.test(body) ? "insufficient_credit" : "forbidden";
  if (status === 429) return speaksOfMoney(body) ? "insufficient_credit" : "rate_limited";
  if (status === 404) return purpose === "submit" ? "upstream_rejected" : "not_found";
  if (isUnsettled(status)) return purpose === "submit" ? "outcome_unknown" : "upstream_unavailable";
  if (status >= 400) return speaksOfContent(words) ? "content_rejected" : "upstream_rejected";
  return "bad_upstream_reply";
}

/** Statuses after which a request may still have been acted upon. */
export function isUnsettled(status: number): boolean {
  return status >= 500 || status === 408;
}

/** A limit that no waiting lifts. A quota of requests per minute is not one. */
function speaksOfMoney(body: string): boolean {
  if (/balance|credit|billing|funds|arrears|overdue|recharge|top.?up/i.test(body)) {
    return true;
  }
  return /quota/i.test(body) && !/(?:per|every|each|a|\/)[\s_-]?(?:second|minute|hour)/i.test(body);
}

function speaksOfContent(words: string): boolean {
  // Names of parameters and talk of capitals are about the form of a request.
  return /nsfw|moderat|(?<!enable_)safety|content.{0,10}polic|policy violation|inappropriate|(?<!case.)sensitive|DataInspection/i.test(
    words,
  );
}

const errorFields = z.looseObject({
  error: z.unknown().optional(),
  message: z.unknown().optional(),
  msg: z.unknown().optional(),
  detail: z.unknown().optional(),
  errors: z.unknown().optional(),
  error_message: z.unknown().optional(),
  failure_reason: z.unknown().optional(),
  reason: z.unknown().optional(),
  output: z.unknown().optional(),
  data: z.unknown().optional(),
  code: z.unknown().optional(),
});

/**
 * The provider's own explanation, whatever its place: `error` is a title, a whole message, an
 * object or null depending on the endpoint; others write `message`, `detail` or `errors`.
 * @returns cleaned and cut text, "" when there is none.
 */
export function upstreamWords(body: string): string {
  const json = parseJson(body);
  const words = json === undefined ? plainText(body) : explanation(json);
  return oneLine(words);
}

function explanation(value: unknown, depth = 0): string {
  if (typeof value === "string") return value;
  if (depth > 4) return "";
  if (Array.isArray(value)) {
    return value
      .slice(0, 5)
      .map((item) => explanation(item, depth + 1))
      .filter(Boolean)
      .join("; ");
  }
  const parsed = errorFields.safeParse(value);
  if (!parsed.success) return "";
  const { error, message, msg, detail, errors, code, ...others } = parsed.data;
  const { error_message, failure_reason, reason, output, data } = others;
  const fields = [error, message, msg, detail, errors, error_message, failure_reason, reason];
  // The two that hold results where all is well say something of the failure only as objects.
  const parts = [...fields, ...[output, data].filter((one) => typeof one === "object")]
    .map((part) => explanation(part, depth + 1))
    .filter(Boolean);
  const unique = parts.filter((part, index) => parts.indexOf(part) === index);
  if (unique.length > 0) return unique.join(": ");
  return typeof code === "string" ? code : "";
}

/** An HTML page's or a plain answer's text, without markup. */
function plainText(body: string): string {
  const head = body.slice(0, 20_000);
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(head)?.[1];
  return title ?? head.replaceAll(/<[^>]*>/g, " ");
}

/** Some write the number as a string; an empty one is none. */
const waitSeconds = z
  .union([z.number(), z.string().regex(/^\s*\d+(\.\d+)?\s*$/)])
  .optional()
  .catch(undefined);
const waitFields = z.looseObject({
  retry_after: waitSeconds,
  error: z.looseObject({ retry_after: waitSeconds }).optional().catch(undefined),
});

/** How long to wait: the header, a field of the body, or a number of seconds in the text. */
function retryAfter(reply: FailureReply, words: string): number | undefined {
  const header = reply.headers["retry-after"] || undefined;
  const body = waitFields.safeParse(parseJson(reply.text)).data;
  const inText = /\b(?:in|after)\s+(\d+)\s*(?:s\b|sec)/i.exec(words)?.[1];
  const seconds = [header, body?.retry_after, body?.error?.retry_after, inText]
    .filter((value) => value !== undefined)
    .map(Number)
    .find((value) => Number.isFinite(value) && value >= 0);
  const ms = seconds === undefined ? untilDate(reply.headers) : seconds * 1000;
  return ms === undefined ? undefined : Math.min(ms, MAX_RETRY_AFTER_MS);
}

/** A `Retry-After` date, counted from the moment the answer itself gives. */
function untilDate(headers: Readonly<Record<string, string>>): number | undefined {
  const ms = Date.parse(headers["retry-after"] ?? "") - Date.parse(headers["date"] ?? "");
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
