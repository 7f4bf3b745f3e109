import type { Readable } from "node:stream";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { Redact } from "../core/redact.ts";
import { sendableKey } from "../core/service-keys.ts";
import { AnswerReader } from "./answer-reader.ts";
import { type ChatFormat, type ChatRequest, chatBody } from "./chat-body.ts";
import type { ChatDelta } from "./chat-delta.ts";
import { type ChatModel, readModel, readModels } from "./chat-models.ts";
import {
  type ChatOutcome,
  cut,
  LONGCAT,
  notAnswered,
  nothingSaid,
  refusal,
  reported,
  wrongPath,
} from "./chat-outcome.ts";
import { type HttpReply, MAX_REPLY_BYTES, TransportFailure } from "./exchange.ts";
import { failureOf } from "./failures.ts";
import { parseJson, redactBody } from "./gateway-reply.ts";
import { GatheredDelta } from "./gathered-delta.ts";
import { type HttpClient, readText, reasonOf } from "./http-client.ts";
import { SafeDelta } from "./safe-delta.ts";
import { Thoughts } from "./thoughts.ts";

/** A long prompt may be read for minutes before the first word comes. */
const SILENCE_MS = 300_000;
const READ_DEADLINE_MS = 15_000;
/** Far more than any model says. */
const MAX_STREAM_BYTES = 256 * 1024 * 1024;
const MODELS_FRESH_MS = 60_000;
const PATHS: Readonly<Record<ChatFormat, string>> = {
  openai: "/openai/v1/chat/completions",
  anthropic: "/anthropic/v1/messages",
};

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
  apiKey: () => Promise<string | undefined> | string | undefined;
  redact: Redact;
  /** The trace that a request is part of, if it is part of one. */
  traceparent?: () => string | undefined;
}

/** The LongCat chat platform with one key, in both of its formats. */
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
    const headers = { ...(await this.#headers()), "content-type": "application/json" };
    const body = chatBody(request);
    const ending = new AbortController();
    const stop = () => ending.abort();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const reply = await this.#options.http.stream({
        url: new URL(this.address(request.format)),
        headers: { ...headers, accept: "text/event-stream, application/json" },
        body: body.pieces(),
        bodyBytes: body.bytes,
        silenceMs: SILENCE_MS,
        signal: ending.signal,
      });
      if (reply.status < 200 || reply.status > 299) {
        const text = await readText(reply.body, MAX_REPLY_BYTES).catch(() => "");
        return refusal({ ...reply, text }, this.#options.redact);
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
    const known = this.knownModels(format, model);
    if (known) return known;
    const path = modelsPath(format, model);
    const now = this.#options.clock.elapsed();
    const reply = await this.#get(path);
    const json = parseJson(reply.text);
    const models = model === undefined ? readModels(json) : asList(readModel(json));
    if (!models) {
      throw new AppError("bad_upstream_reply", "The provider's answer about models is none.");
    }
    this.#cache.set(path, { at: now, models });
    return models;
  }

  /** What {@link LongcatClient.models} can answer without asking. */
  knownModels(format: ChatFormat, model?: string): ChatModel[] | undefined {
    const known = this.#cache.get(modelsPath(format, model));
    const isFresh = known && this.#options.clock.elapsed() - known.at < MODELS_FRESH_MS;
    return isFresh ? known.models : undefined;
  }

  /** Where a turn is sent. */
  address(format: ChatFormat): string {
    return this.#options.baseUrl + PATHS[format];
  }

  async #get(path: string): Promise<HttpReply> {
    const headers = { ...(await this.#headers()), "content-type": "application/json" };
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

  async #headers(): Promise<Record<string, string>> {
    const key = sendableKey("chatApiKey", await this.#options.apiKey());
    const traceparent = this.#options.traceparent?.();
    return {
      authorization: `Bearer ${key}`,
      ...(traceparent === undefined ? {} : { traceparent }),
    };
  }

  async #read(body: Readable, tell: (delta: ChatDelta) => void): Promise<ChatOutcome> {
    const safe = new SafeDelta(this.#options.redact);
    const thoughts = new Thoughts();
    const gathered = new GatheredDelta();
    const flush = () => {
      for (const delta of gathered.take()) tell(safe.of(delta));
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
    if (answer.error !== undefined) return reported(answer.error, this.#options.redact);
    const marked = answer.done || answer.finished;
    return answer.said || marked ? { kind: "ended", marked } : nothingSaid(answer.isForeign);
  }
}

function asList(model: ChatModel | undefined): ChatModel[] | undefined {
  return model && [model];
}

function modelsPath(format: ChatFormat, model: string | undefined): string {
  return `/${format}/v1/models${model === undefined ? "" : `/${encodeURIComponent(model)}`}`;
}
