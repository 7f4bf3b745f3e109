import { AsyncLocalStorage } from "node:async_hooks";
import type { ServerResponse } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { isLegacyRequest } from "@modelcontextprotocol/server";
import type { Credential } from "../../access/authenticator.ts";
import type { Caller } from "../../core/caller.ts";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { requestContext } from "../../core/log-context.ts";
import type { JobEvents } from "../../jobs/events.ts";
import type { Connection, HttpServers } from "../../server.ts";
import { MemorySessionRecord } from "../../sessions/memory-session-record.ts";
import type { RateLimits } from "../rate-limits.ts";
import type { Traffic } from "../traffic.ts";
import type { Authentication } from "./authentication.ts";
import { readBody } from "./body.ts";
import type { SharedSessions } from "./http-session.ts";
import type { OpenAnswers } from "./open-answers.ts";
import { OwnerHandlers } from "./owner-handlers.ts";
import { RememberedResponses } from "./remembered-responses.ts";
import { Sessions } from "./sessions.ts";

export interface McpRouteOptions {
  events: JobEvents;
  clock: Clock;
  /**
   * How many sessions one owner may have, and where they are recorded: in the memory of this process
   * when absent. Absent: none.
   */
  sessions?: { most: number; shared?: (() => Promise<SharedSessions>) | undefined };
  limits: RateLimits;
  log: Log;
  traffic: Traffic;
  /** Aborts when the server is asked to end: what waits is answered. */
  stopping?: AbortSignal | undefined;
  onError: (error: Error) => void;
}

/**
 * Answers the messages of callers that are known; one server instance serves one request, or one
 * session of a client of the 2025 era where there are sessions.
 */
export class McpRoute {
  /** Who asks, and the answer that is being made. */
  readonly #asking = new AsyncLocalStorage<{ caller: Caller; answer: ServerResponse }>();
  readonly #handlers: OwnerHandlers;
  readonly #sessions: Sessions | undefined;
  readonly #remembered: RememberedResponses;
  readonly #options: McpRouteOptions;
  readonly #factory: HttpServers;
  readonly #authentication: Authentication;

  constructor(
    factory: HttpServers,
    authentication: Authentication,
    open: OpenAnswers,
    options: McpRouteOptions,
  ) {
    this.#factory = factory;
    this.#authentication = authentication;
    this.#options = options;
    const { events, clock, sessions, stopping, onError } = options;
    const leaving = stopping && { leaving: stopping };
    this.#remembered = new RememberedResponses((caller) => factory.markOf(caller));
    /** Once the answer has left to the request under which this is asked. */
    const onDelivered: Connection["onDelivered"] = (_, run) =>
      this.#asking.getStore()?.answer.once("finish", run);
    this.#handlers = new OwnerHandlers({
      events,
      createServer: ({ era }) => {
        const asked = this.#asking.getStore();
        if (!asked) throw new AppError("internal", "A server was made for no request.");
        const { caller } = asked;
        return factory.createFor({ caller, era, lasting: false, onDelivered, ...leaving });
      },
      onError,
    });
    const own = { record: new MemorySessionRecord(), clock };
    this.#sessions =
      sessions &&
      new Sessions({
        ...{ most: sessions.most, shared: sessions.shared ?? (async () => own) },
        ...{ clock, open, onError },
        createServer: (caller, subscriptions) => {
          const connection = { caller, subscriptions, onDelivered, ...leaving };
          return factory.createFor({ ...connection, era: "legacy", lasting: true });
        },
      });
  }

  async answer(request: Request, bindings: HttpBindings, credential: Credential) {
    const { caller } = credential;
    const { incoming, outgoing } = bindings;
    const { limits, log, traffic } = this.#options;
    const tooMany = limits.refuseRequest(caller, incoming, outgoing);
    if (tooMany) return tooMany;
    const body = await readBody(incoming);
    if (body && "refusal" in body) return Response.json(body.refusal, { status: body.status });
    const message = body?.message;
    const sessions = await this.#sessionsFor(request, message);
    const isStream = opensStream(message) || (sessions && request.method === "GET");
    const tooManyStreams = isStream && limits.refuseStream(caller, outgoing);
    if (tooManyStreams) return tooManyStreams;
    const scope = this.#factory.lackingScope(caller, message);
    if (scope !== undefined) return this.#authentication.lacking(scope);
    if (isStream) traffic.isStream(outgoing);
    const given = body ? { parsedBody: message } : {};
    const handler = this.#handlers.of(caller);
    const run = (answer: () => Promise<Response>) =>
      log.within(requestContext(message, caller.owner), () =>
        this.#asking.run({ caller, answer: outgoing }, answer),
      );
    if (sessions) {
      return run(() => sessions.answer({ request, message, credential, answer: outgoing }));
    }
    return this.#remembered.answer({ caller, head: incoming, message }, () =>
      run(() => handler.fetch(request, given)),
    );
  }

  close(): Promise<void> {
    this.#sessions?.close();
    return this.#handlers.close();
  }

  /** Sessions, where there are any and the request is one of the era that has them. */
  async #sessionsFor(request: Request, message: unknown): Promise<Sessions | undefined> {
    if (!this.#sessions || (request.method === "POST" && message === undefined)) return undefined;
    return (await isLegacyRequest(request, message)) ? this.#sessions : undefined;
  }
}

/** In the revisions that have such streams, no other message leaves an answer open. */
function opensStream(message: unknown): boolean {
  if (typeof message !== "object" || message === null) return false;
  return "method" in message && message.method === "subscriptions/listen";
}
