import { AsyncLocalStorage } from "node:async_hooks";
import type { ServerResponse } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import type { Credential } from "../../access/authenticator.ts";
import type { Caller } from "../../core/caller.ts";
import { AppError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { requestContext } from "../../core/log-context.ts";
import type { JobEvents } from "../../jobs/events.ts";
import type { Connection, ServerFactory } from "../../server.ts";
import { opensStream, type RateLimits } from "../rate-limits.ts";
import type { Traffic } from "../traffic.ts";
import type { Authentication } from "./authentication.ts";
import { readBody } from "./body.ts";
import { OwnerHandlers } from "./owner-handlers.ts";
import { RememberedResponses } from "./remembered-responses.ts";

export interface McpRouteOptions {
  events: JobEvents;
  limits: RateLimits;
  log: Log;
  traffic: Traffic;
  /** Aborts when the server is asked to end: what waits is answered. */
  stopping?: AbortSignal | undefined;
  onError: (error: Error) => void;
}

/** Answers the messages of callers that are known; one server instance serves one request. */
export class McpRoute {
  /** Who asks, and the answer that is being made. */
  readonly #asking = new AsyncLocalStorage<{ caller: Caller; answer: ServerResponse }>();
  readonly #handlers: OwnerHandlers;
  readonly #remembered: RememberedResponses;
  readonly #options: McpRouteOptions;
  readonly #factory: ServerFactory;
  readonly #authentication: Authentication;

  constructor(factory: ServerFactory, authentication: Authentication, options: McpRouteOptions) {
    this.#factory = factory;
    this.#authentication = authentication;
    this.#options = options;
    const { events, stopping, onError } = options;
    const leaving = stopping && { leaving: stopping };
    this.#remembered = new RememberedResponses((caller) => factory.markOf(caller));
    this.#handlers = new OwnerHandlers({
      events,
      createServer: ({ era }) => {
        const asked = this.#asking.getStore();
        if (!asked) throw new AppError("internal", "A server was made for no request.");
        const { caller, answer } = asked;
        const onDelivered: Connection["onDelivered"] = (_, run) => answer.once("finish", run);
        return factory.createFor({ caller, era, lasting: false, onDelivered, ...leaving });
      },
      onError,
    });
  }

  async answer(request: Request, bindings: HttpBindings, { caller }: Credential) {
    const { incoming, outgoing } = bindings;
    const { limits, log, traffic } = this.#options;
    const tooMany = limits.refuseRequest(caller, incoming, outgoing);
    if (tooMany) return tooMany;
    const body = await readBody(incoming);
    if (body && "refusal" in body) return Response.json(body.refusal, { status: body.status });
    const tooManyStreams = limits.refuseStream(caller, body?.message, outgoing);
    if (tooManyStreams) return tooManyStreams;
    const message = body?.message;
    const scope = this.#factory.lackingScope(caller, message);
    if (scope !== undefined) return this.#authentication.lacking(scope);
    if (opensStream(message)) traffic.isStream(outgoing);
    const given = body ? { parsedBody: message } : {};
    const handler = this.#handlers.of(caller);
    const { url = "", rawHeaders } = incoming;
    return this.#remembered.answer({ caller, url, rawHeaders, message }, () =>
      log.within(requestContext(message, caller.owner), () =>
        this.#asking.run({ caller, answer: outgoing }, () => handler.fetch(request, given)),
      ),
    );
  }

  close(): Promise<void> {
    return this.#handlers.close();
  }
}
