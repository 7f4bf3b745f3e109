import { AppError } from "../core/errors.ts";
import { createRedact, type Redact } from "../core/redact.ts";
import { SERVICE_KEYS, sendableKey } from "../core/service-keys.ts";
import { oneLine } from "../core/text.ts";
import { secretIn } from "../core/webhook-secret.ts";
import type { AnyOperation } from "../models/operation.ts";
import { type HttpReply, isSuccess, MAX_REPLY_BYTES, TransportFailure } from "./exchange.ts";
import { failureOf, isUnsettled, jobFailureOf, type Service, upstreamWords } from "./failures.ts";
import { type GatewayReply, readReply, redactBody } from "./gateway-reply.ts";
import type { HttpClient, OutboundRequest } from "./http-client.ts";

const SUBMIT_DEADLINE_MS = 60_000;
const SYNC_DEADLINE_MS = 300_000;
const READ_DEADLINE_MS = 30_000;
const MAX_STATUS_CHARACTERS = 100;
/** Longer answers than those about a job that runs are read each time. */
const MAX_KEPT_CHARACTERS = 1_000;
const PIXAZO: Service = { name: SERVICE_KEYS.apiKey.name, keyVariable: SERVICE_KEYS.apiKey.env };
const REQUEST_ID = /^[A-Za-z0-9][\w.:-]{1,199}$/;

/** Everything a purchase can come to. */
export type SubmitOutcome =
  /** A queued job; its status can be polled. */
  | { kind: "accepted"; requestId: string }
  /** A synchronous answer with its pictures. */
  | { kind: "finished"; requestId: string | undefined; mediaUrls: string[] }
  /** Refused for good; nothing was bought. */
  | { kind: "refused"; error: AppError }
  /** Provably not taken: the connection was never made, or 429. May be sent again. */
  | { kind: "not_taken"; error: AppError }
  /** Answered, but without anything to show for the money. */
  | { kind: "empty"; error: AppError }
  /** May have been accepted. Never sent again. */
  | { kind: "uncertain"; error: AppError };

/** What a look at a job's status brought. */
export interface StatusReport {
  status: "queued" | "processing" | "completed" | "failed" | "error";
  rawStatus: string;
  mediaUrls: string[];
  /** As the gateway names them, where it does. */
  requestId: string | undefined;
  modelId: string | undefined;
  /** Set for `failed`, `error`, and `completed` without a file. */
  error: AppError | undefined;
  /** The answer as it came, where it is short and nothing had to be taken out of it. */
  text: string | undefined;
}

export interface LegacyReport extends StatusReport {
  /** From 0 to 1. */
  progress: number | undefined;
}

export interface PixazoOptions {
  http: HttpClient;
  /** Origin and optional path prefix, without a trailing slash. */
  baseUrl: string;
  legacyBaseUrl: string;
  apiKey: () => Promise<string | undefined> | string | undefined;
  redact: Redact;
  /** The trace that a request is part of, if it is part of one. */
  traceparent?: () => string | undefined;
}

/** The image gateway with one key: ten purchases, one status, and the older status endpoint. */
export class PixazoClient {
  readonly #options: PixazoOptions;
  /** Before the id of a request. */
  readonly #status: URL;

  constructor(options: PixazoOptions) {
    this.#options = options;
    this.#status = new URL(`${options.baseUrl}/v2/requests/status/`);
  }

  /**
   * Sends one purchase, once. Every end is a value: what may happen next depends on it, so it is
   * never left to whoever catches what.
   * @param webhook where the gateway may call, by a secret that is in no outcome.
   * @throws {configuration} without an API key that can be sent; nothing was sent.
   */
  async submit(
    operation: AnyOperation,
    wire: Record<string, unknown>,
    webhook?: string,
  ): Promise<SubmitOutcome> {
    const headers = {
      ...(await this.#headers()),
      ...(webhook === undefined ? {} : { "x-webhook-url": webhook }),
    };
    let reply: HttpReply;
    try {
      reply = await this.#options.http.send({
        method: "POST",
        url: new URL(this.#options.baseUrl + operation.path),
        headers: { "content-type": "application/json", "cache-control": "no-cache", ...headers },
        body: JSON.stringify(wire),
        deadlineMs: operation.kind === "sync" ? SYNC_DEADLINE_MS : SUBMIT_DEADLINE_MS,
        maxBytes: MAX_REPLY_BYTES,
        freshConnection: true,
      });
    } catch (error) {
      return notAnswered(error);
    }
    const text = redactBody(reply.text, this.#options.redact);
    const withoutSecret = createRedact([webhook && secretIn(webhook)]);
    return readSubmit(operation, { ...reply, text: redactBody(text, withoutSecret) });
  }

  /**
   * Looks at a queued job. The URL is made from our own base and the id: the one that the gateway
   * names in its answers is not trusted with the key.
   * @throws {not_found} for an id the gateway does not know
   * @throws {unauthorized | forbidden | rate_limited | upstream_unavailable | bad_upstream_reply}
   */
  async status(requestId: string): Promise<StatusReport> {
    return this.#report(await this.#statusOf(requestId));
  }

  /**
   * Looks at a queued job again.
   * @param text of the last answer: the same one need not be taken apart again.
   * @returns `undefined` where it is the same.
   * @throws as {@link PixazoClient.status}
   */
  async statusSince(
    requestId: string,
    text: string | undefined,
  ): Promise<StatusReport | undefined> {
    const reply = await this.#statusOf(requestId);
    return reply.text === text && isSuccess(reply.status) ? undefined : this.#report(reply);
  }

  /**
   * Asks the older LongCat-Image endpoint about a request made there.
   * @throws as {@link PixazoClient.status}
   */
  async legacyStatus(requestId: string): Promise<LegacyReport> {
    const url = new URL(`${this.#options.legacyBaseUrl}/longcat-image-request-result`);
    const headers = { ...(await this.#headers()), "content-type": "application/json" };
    const body = JSON.stringify({ request_id: requestId });
    const reply = await this.#ask("POST", url, headers, body);
    const { text } = this.#read(reply);
    const parsed = readReply(text);
    return { ...report(text, parsed, true, false), progress: parsed?.progress };
  }

  async #statusOf(requestId: string): Promise<HttpReply> {
    const id = encodeURIComponent(checkedId(requestId));
    const { origin, pathname } = this.#status;
    const url = { origin, pathname: pathname + id, search: "" };
    return this.#ask("GET", url, await this.#headers(), undefined);
  }

  /** @throws what a refusal means */
  #report(reply: HttpReply): StatusReport {
    const { text } = this.#read(reply);
    const isKept = text === reply.text && text.length <= MAX_KEPT_CHARACTERS;
    return report(text, readReply(text), false, isKept);
  }

  async #headers(): Promise<Record<string, string>> {
    const key = sendableKey("apiKey", await this.#options.apiKey());
    const headers = { "ocp-apim-subscription-key": key, accept: "application/json" };
    const traceparent = this.#options.traceparent?.();
    return traceparent === undefined ? headers : { ...headers, traceparent };
  }

  /** @throws {upstream_unavailable} where no answer comes */
  #ask(
    method: OutboundRequest["method"],
    url: OutboundRequest["url"],
    headers: Record<string, string>,
    body: string | undefined,
  ): Promise<HttpReply> {
    const [deadlineMs, maxBytes] = [READ_DEADLINE_MS, MAX_REPLY_BYTES];
    const request = { method, url, headers, body, deadlineMs, maxBytes };
    return this.#options.http.send(request).catch((error: unknown) => {
      if (!(error instanceof TransportFailure)) throw error;
      const message = `The provider could not be asked: ${error.message}.`;
      throw new AppError("upstream_unavailable", message, { cause: error });
    });
  }

  /** An answer without our keys. @throws what a refusal means */
  #read(reply: HttpReply): HttpReply {
    const redacted = { ...reply, text: redactBody(reply.text, this.#options.redact) };
    if (!isSuccess(reply.status)) throw failureOf(redacted, "read", PIXAZO);
    return redacted;
  }
}

/** @throws {invalid_input} for what cannot be a request id and must not become part of a URL. */
export function checkedId(requestId: string): string {
  if (isRequestId(requestId)) return requestId;
  throw new AppError(
    "invalid_input",
    "That is not a request id: letters, digits, and . _ : - are allowed, at most 200 of them.",
  );
}

export function isRequestId(text: string): boolean {
  return REQUEST_ID.test(text);
}

function saysSuccess(reply: GatewayReply): boolean {
  return reply.statusCode === undefined || isSuccess(reply.statusCode);
}

/** @param body what it says itself about it, if anything. */
function unreadable(why: string, body = ""): AppError {
  const words = upstreamWords(body);
  const said = words === "" ? "." : `: ${words}`;
  return new AppError("bad_upstream_reply", `The provider's answer ${why}${said}`);
}

function notAnswered(error: unknown): SubmitOutcome {
  if (!(error instanceof TransportFailure)) throw error;
  if (!error.sent) {
    const message = `The provider could not be reached: ${error.message}.`;
    return {
      kind: "not_taken",
      error: new AppError("upstream_unavailable", message, { cause: error }),
    };
  }
  const message = `The request was sent, but no answer came: ${error.message}.`;
  return { kind: "uncertain", error: new AppError("outcome_unknown", message, { cause: error }) };
}

/**
 * @param errorIsFailure whether an `error` field ends the job whatever its status says.
 * @param isKept whether the answer is part of the report.
 */
function report(
  body: string,
  reply: GatewayReply | undefined,
  errorIsFailure: boolean,
  isKept: boolean,
): StatusReport {
  if (!reply) throw unreadable("about the job is not a JSON object");
  const media = reply.mediaUrls.length > 0;
  const ended = reply.status === "failed" || reply.status === "error" ? reply.status : undefined;
  const errorEnds = reply.reportsFailure && !media && (errorIsFailure || !reply.status);
  const failed = ended ?? (errorEnds ? "failed" : undefined);
  const status = failed ?? reply.status ?? (media ? "completed" : "processing");
  const isEmpty = status === "completed" && !media;
  return {
    status,
    rawStatus: oneLine(reply.rawStatus ?? "", MAX_STATUS_CHARACTERS),
    mediaUrls: reply.mediaUrls,
    requestId: reply.requestId,
    modelId: reply.modelId,
    error: failed
      ? jobFailureOf(failed, body)
      : isEmpty
        ? unreadable("reports the job as completed but names no file", body)
        : undefined,
    text: isKept ? body : undefined,
  };
}

function readSubmit(operation: AnyOperation, reply: HttpReply): SubmitOutcome {
  if (!isSuccess(reply.status)) {
    const error = failureOf(reply, "submit", PIXAZO);
    if (error.code === "rate_limited") return { kind: "not_taken", error };
    const settled = reply.status >= 400 && !isUnsettled(reply.status);
    return { kind: settled ? "refused" : "uncertain", error };
  }
  const parsed = readReply(reply.text);
  if (!parsed) return { kind: "uncertain", error: unreadable("is not a JSON object") };
  if (parsed.mediaUrls.length > 0 && saysSuccess(parsed)) {
    const { requestId = "", mediaUrls } = parsed;
    const isId = REQUEST_ID.test(requestId);
    return { kind: "finished", requestId: isId ? requestId : undefined, mediaUrls };
  }
  if (parsed.statusCode !== undefined && !isSuccess(parsed.statusCode)) {
    return readSubmit(operation, { ...reply, status: parsed.statusCode });
  }
  if (parsed.status === "failed" || parsed.status === "error") {
    const error = jobFailureOf(parsed.status, reply.text);
    return { kind: parsed.status === "error" ? "refused" : "empty", error };
  }
  const isTaken = parsed.status !== undefined || operation.kind === "queued";
  if (parsed.requestId && REQUEST_ID.test(parsed.requestId) && isTaken) {
    return { kind: "accepted", requestId: parsed.requestId };
  }
  const error = unreadable("names neither a picture nor a request id", reply.text);
  return { kind: operation.kind === "sync" ? "empty" : "uncertain", error };
}
