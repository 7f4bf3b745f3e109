import type { Readable } from "node:stream";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { Redact } from "../core/redact.ts";
import { SERVICE_KEYS, sendableKey } from "../core/service-keys.ts";
import { AnswerReader } from "./answer-reader.ts";
import { type ChatFormat, type ChatRequest, chatBody } from "./chat-body.ts";
import { type ChatDelta, type ChatModel, readModel, readModels } from "./chat-delta.ts";
import { type HttpReply, TransportFailure } from "./exchange.ts";
import { failureOf, isUnsettled, type Service } from "./failures.ts";
import { parseJson, redactBody } from "./gateway-reply.ts";
import { GatheredDelta } from "./gathered-delta.ts";
import { type HttpClient, readText, reasonOf } from "./http-client.ts";
import { SafeDelta } from "./safe-delta.ts";
import { Thoughts } from "./thoughts.ts";

/** A long prompt may be read for minutes before the first word comes. */
const SILENCE_MS = 300_000;
const READ_DEADLINE_MS = 15_000;
const MAX_REPLY_BYTES = 4 * 1024 * 1024;
/** Far more than any model says. */
const MAX_STREAM_BYTES = 256 * 1024 * 1024;
const MODELS_FRESH_MS = 60_000;
const LONGCAT: Service = {
  name: SERVICE_KEYS.chatApiKey.name,
  keyVariable: SERVICE_KEYS.chatApiKey.env,
};
const PATHS: Readonly<Record<ChatFormat, string>> = {
  openai: "/openai/v1/chat/completions",
  anthropic: "/anthropic/v1/messages",
};

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

export interface ChatListener {
  /** The platform has accepted the request and begins to answer. */
  accepted: () => Promise<void>;
  delta: (delta: ChatDelta) => void;
}

export interface LongcatOptions {
  http: HttpClient;
  clock: Clock;
  /** Without a trailing slash and without the path of a format. */
  baseUrl: string;
  apiKey: () => string | undefined;
  redact: Redact;
}

/** The LongCat chat platform, in both of its formats. */
export class LongcatClient {
  readonly #options: LongcatOptions;
  readonly #cache = new Map<string, { at: number; models: ChatModel[] }>();

  constructor(options: LongcatOptions) {
    this.#options = options;
  }

  /**
   * Sends one turn, once, and tells what comes of it while it comes.
   * @throws {configuration} without an API key that can be sent; nothing was sent.
   */
  async chat(
    request: ChatRequest,
    listener: ChatListener,
    signal: AbortSignal,
  ): Promise<ChatOutcome> {
    const headers = { ...this.#headers(), "content-type": "application/json" };
    const body = chatBody(request);
    const ending = new AbortController();
    const stop = () => ending.abort();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const reply = await this.#options.http.stream({
        url: new URL(this.#options.baseUrl + PATHS[request.format]),
        headers: { ...headers, accept: "text/event-stream, application/json" },
        body: body.pieces(),
        bodyBytes: body.bytes,
        silenceMs: SILENCE_MS,
        signal: ending.signal,
      });
      if (reply.status < 200 || reply.status > 299) {
        const text = await readText(reply.body, MAX_REPLY_BYTES).catch(() => "");
        return this.#refusal({ ...reply, text });
      }
      await listener.accepted();
      return await this.#read(reply.body, listener.delta);
    } catch (error) {
      return notAnswered(error);
    } finally {
      signal.removeEventListener("abort", stop);
      // Whatever has not come by now is not wanted.
      ending.abort();
    }
  }

  /**
   * The platform's models, or one with its details. Answers are kept for a minute.
   * @throws {not_found} for a model that the platform does not know
   * @throws {unauthorized | forbidden | rate_limited | upstream_unavailable | bad_upstream_reply}
   */
  async models(format: ChatFormat, model?: string): Promise<ChatModel[]> {
    const path = `/${format}/v1/models${model === undefined ? "" : `/${encodeURIComponent(model)}`}`;
    const known = this.#cache.get(path);
    const now = this.#options.clock.elapsed();
    if (known && now - known.at < MODELS_FRESH_MS) return known.models;
    const reply = await this.#get(path);
    const json = parseJson(reply.text);
    const models = model === undefined ? readModels(json) : asList(readModel(json));
    if (!models) {
      throw new AppError("bad_upstream_reply", "The provider's answer about models is none.");
    }
    this.#cache.set(path, { at: now, models });
    return models;
  }

  async #get(path: string): Promise<HttpReply> {
    const headers = { ...this.#headers(), "content-type": "application/json" };
    let reply: HttpReply;
    try {
      reply = await this.#options.http.send({
        method: "GET",
        url: new URL(this.#options.baseUrl + path),
        headers: { ...headers, accept: "application/json" },
        deadlineMs: READ_DEADLINE_MS,
        maxBytes: MAX_REPLY_BYTES,
      });
    } catch (error) {
      if (!(error instanceof TransportFailure)) throw error;
      const message = `The provider could not be asked: ${error.message}.`;
      throw new AppError("upstream_unavailable", message, { cause: error });
    }
    const redacted = { ...reply, text: redactBody(reply.text, this.#options.redact) };
    if (reply.status === 404)
      throw wrongPath(redacted, "read") ?? failureOf(redacted, "read", LONGCAT);
    if (reply.status < 200 || reply.status > 299) throw failureOf(redacted, "read", LONGCAT);
    return redacted;
  }

  #headers(): Record<string, string> {
    const key = sendableKey("chatApiKey", this.#options.apiKey());
    return { authorization: `Bearer ${key}` };
  }

  #refusal(reply: HttpReply): ChatOutcome {
    const redacted = { ...reply, text: redactBody(reply.text, this.#options.redact) };
    const wrong = reply.status === 404 ? wrongPath(redacted, "submit") : undefined;
    if (wrong) return { kind: "refused", error: wrong };
    const isBusy = reply.status === 503;
    const error = failureOf(redacted, isBusy ? "read" : "submit", LONGCAT);
    if (isBusy || error.code === "rate_limited") return { kind: "not_taken", error };
    return { kind: isUnsettled(reply.status) ? "uncertain" : "refused", error };
  }

  async #read(body: Readable, tell: (delta: ChatDelta) => void): Promise<ChatOutcome> {
    const safe = new SafeDelta(this.#options.redact);
    const thoughts = new Thoughts();
    const gathered = new GatheredDelta();
    const flush = () => {
      const delta = gathered.take();
      if (delta) tell(safe.of(delta));
    };
    const outcome = await this.#readAll(body, (delta) => gathered.add(thoughts.of(delta)), flush);
    flush();
    const unfinished = thoughts.rest();
    if (unfinished) tell(safe.of(unfinished));
    const rest = safe.rest();
    if (rest) tell(rest);
    return outcome;
  }

  /** @param onPieceRead called when all events of a piece, as it came, have been told. */
  async #readAll(
    body: Readable,
    tell: (delta: ChatDelta) => void,
    onPieceRead: () => void,
  ): Promise<ChatOutcome> {
    const answer = new AnswerReader(tell);
    let bytes = 0;
    const decoder = new TextDecoder();
    try {
      for await (const chunk of body) {
        const piece = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
        bytes += piece.length;
        answer.feed(decoder.decode(piece, { stream: true }));
        onPieceRead();
        if (answer.error !== undefined || answer.done) break;
        if (bytes > MAX_STREAM_BYTES) return cut("it is larger than any answer");
      }
      answer.end();
    } catch (error) {
      // What comes after the reason why it ended is not part of it.
      if (!answer.done && !answer.finished)
        return cut(this.#options.redact(reasonOf(error)), error);
    }
    if (answer.error !== undefined) return { kind: "cut", error: this.#reported(answer.error) };
    const marked = answer.done || answer.finished;
    return answer.said || marked ? { kind: "ended", marked } : nothingSaid(answer.isForeign);
  }

  /** An error that came inside an answer whose status had said that all is well. */
  #reported(error: string): AppError {
    const text = redactBody(error, this.#options.redact);
    return failureOf({ status: statusIn(text), headers: {}, text }, "read", LONGCAT, REPORTED);
  }
}

const REPORTED = "The provider broke off with an error";

const STATUS_OF_TYPE: readonly (readonly [RegExp, number])[] = [
  [/quota|balance|billing|credit/i, 402],
  [/rate_limit/i, 429],
  [/authentication/i, 401],
  [/permission/i, 403],
  [/invalid_request|invalid_parameter|content/i, 400],
];

function statusIn(error: string): number {
  const code = /"(?:code|status)"\s*:\s*"?([45]\d\d)\b/.exec(error)?.[1];
  if (code !== undefined) return Number(code);
  return STATUS_OF_TYPE.find(([type]) => type.test(error))?.[1] ?? 500;
}

/** The platform's own 404 is JSON; a page means that the address is not the platform's. */
function wrongPath(reply: HttpReply, purpose: "submit" | "read"): AppError | undefined {
  if (parseJson(reply.text) !== undefined) return undefined;
  const { message } = failureOf(reply, purpose, LONGCAT);
  return new AppError("configuration", `${message} The base URL is likely wrong.`, {
    next: "Correct LONGCAT_BASE_URL and restart the server.",
  });
}

function notAnswered(error: unknown): ChatOutcome {
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

function cut(reason: string, cause?: unknown): ChatOutcome {
  const message = `The answer broke off: ${reason}.`;
  return { kind: "cut", error: new AppError("outcome_unknown", message, { cause }) };
}

/** What became of a request that was accepted and got an answer without a word in it. */
function nothingSaid(isForeign: boolean): ChatOutcome {
  if (isForeign) {
    const message = "The provider's answer is neither a stream nor JSON.";
    return { kind: "refused", error: new AppError("bad_upstream_reply", message) };
  }
  const message = "The provider accepted the request, but its answer ended before it began.";
  return { kind: "uncertain", error: new AppError("outcome_unknown", message) };
}

function asList(model: ChatModel | undefined): ChatModel[] | undefined {
  return model && [model];
}
