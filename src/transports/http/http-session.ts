import type { AsyncLocalStorage } from "node:async_hooks";
import type { ServerResponse } from "node:http";
import type { McpServer, RequestId } from "@modelcontextprotocol/server";
import type { Credential } from "../../access/authenticator.ts";
import type { Caller } from "../../core/caller.ts";
import type { Clock } from "../../core/clock.ts";
import { toAppError } from "../../core/errors.ts";
import { NOT_TAKEN } from "../../core/json-rpc.ts";
import type { Subscriptions } from "../../server.ts";
import {
  type Addressee,
  IDLE_MS,
  MOST_LETTER_BYTES,
  type SessionRecord,
  type StoredSession,
} from "../../sessions/session-record.ts";
import { SessionSeal } from "../../sessions/session-seal.ts";
import { refused } from "../message.ts";
import { onceOver } from "../once-over.ts";
import { NEWS_STREAM, readEventId } from "./event-ids.ts";
import type { OpenAnswers } from "./open-answers.ts";
import { ResumedStream } from "./resumed-stream.ts";
import { SessionEvents } from "./session-events.ts";
import { calledOff, SessionTransport, writerAsking } from "./session-transport.ts";

/** When a client whose stream has broken off comes back. */
const RETRY_MS = 1_000;
const LAST_EVENT = "last-event-id";

/** What a client has sent once is said again to a server of its session elsewhere. */
const REPLAY_URL = "http://localhost/mcp";
const REPLAY_HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};
const INITIALIZED = { jsonrpc: "2.0", method: "notifications/initialized" };

export interface SessionOptions {
  clock: Clock;
  /** Ends the session with the last credential that was shown for it. */
  open: OpenAnswers;
  onError: (error: Error) => void;
}

/** Where sessions are recorded, and the time there. */
export interface SharedSessions {
  record: SessionRecord;
  clock: Pick<Clock, "now">;
}

/** What makes a session here. */
export interface SessionParts extends SessionOptions {
  id: string;
  caller: Caller;
  /** This process. */
  writer: string;
  shared: SharedSessions;
  /** The requests in whose course something is said, of all sessions of this process. */
  asked: AsyncLocalStorage<readonly RequestId[]>;
  /** Called once when the session is over here. */
  onEnd: () => void;
}

/**
 * One client's session over HTTP, as far as this process has to do with it: a server of its own that
 * outlives requests. It can be made anew at any time from what is recorded of it.
 */
export class Session {
  readonly caller: Caller;
  readonly seal: SessionSeal;
  readonly #parts: SessionParts;
  readonly #events: SessionEvents;
  readonly #transport: SessionTransport;
  readonly #over = new AbortController();
  /** What the client wants to hear of, here and wherever the session goes on. */
  readonly subscriptions: Subscriptions;
  #server: McpServer | undefined;
  #subscribed = new Set<string>();
  #isServed = false;
  #hasListened = false;
  #answers = 0;
  #callOffIdle = () => {};
  #forgetCredential = () => {};

  constructor(parts: SessionParts) {
    const { id, caller, writer, shared } = parts;
    this.caller = caller;
    this.seal = new SessionSeal(id);
    this.#parts = parts;
    this.#events = new SessionEvents({ ...parts, seal: this.seal });
    this.#transport = new SessionTransport(writer, {
      sessionIdGenerator: () => id,
      eventStore: this.#events,
      retryInterval: RETRY_MS,
      onsessionclosed: () => this.end(),
    });
    const { record } = shared;
    const { handle } = this.seal;
    this.subscriptions = {
      has: (uri) => this.#subscribed.has(uri),
      add: async (uri) => {
        const isTaken = await record.subscribe(handle, uri);
        if (isTaken) this.#subscribed.add(uri);
        return isTaken;
      },
      delete: async (uri) => {
        await record.unsubscribe(handle, uri);
        this.#subscribed.delete(uri);
      },
    };
  }

  /** Whether nothing is being answered and nobody listens. */
  get isIdle(): boolean {
    return this.#isServed && this.#answers === 0 && !this.isAtWork;
  }

  /** Whether requests are being answered, whoever listens. */
  get isAtWork(): boolean {
    return this.#events.isAtWork;
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Takes the server that answers, which nobody else has. */
  async serve(server: McpServer): Promise<void> {
    this.#server = server;
    await server.connect(this.#transport);
    this.#isServed = true;
    if (this.isOver) await server.close();
  }

  /** Takes a server, and brings it to where another process has brought the session. */
  async takeUp(server: McpServer, beginning: unknown): Promise<void> {
    await this.serve(server);
    for (const message of [beginning, INITIALIZED]) {
      const headers = { ...REPLAY_HEADERS, "mcp-session-id": this.#parts.id };
      const request = new Request(REPLAY_URL, { method: "POST", headers });
      const reply = await this.#transport.handleRequest(request, { parsedBody: message });
      await reply.text();
    }
  }

  /** Takes note of what is recorded. */
  know({ subscribed, hasListened }: StoredSession): void {
    this.#subscribed = new Set(subscribed);
    this.#hasListened = hasListened;
  }

  /** Keeps the session in use until an answer is over, and for a while after. */
  use(answer: ServerResponse, credential: Credential): void {
    this.#forgetCredential = this.#parts.open.vouch(this, credential);
    this.#callOffIdle();
    this.#answers++;
    onceOver(answer, () => {
      this.#answers--;
      if (this.#answers > 0 || this.isOver) return;
      this.#callOffIdle = this.#parts.clock.schedule(IDLE_MS, () => this.drop());
    });
  }

  /** @param message what the request brings, which has been read. */
  async answer(request: Request, message: unknown): Promise<Response> {
    if (request.method === "GET") return this.#listen(request);
    if (request.method !== "POST") return this.#transport.handleRequest(request);
    const own = await this.#handOver(message);
    if (own === undefined) return new Response(null, { status: 202 });
    return this.#events.answering(own, () =>
      this.#transport.handleRequest(request, { parsedBody: own }),
    );
  }

  /** Hears what the client has sent to another process. */
  hear(sealed: Uint8Array): void {
    const message = this.#transport.inside(this.seal.open(sealed));
    this.#events.callOff(calledOff(message));
    this.#transport.hear(message);
  }

  /** Ends the session, here and everywhere. @throws {storage} */
  async end(): Promise<void> {
    this.drop();
    await this.#parts.shared.record.end(this.seal.handle);
  }

  /** Ends what is open of the session here, and what is waited for: it may go on elsewhere. */
  drop(): void {
    if (this.isOver) return;
    this.#over.abort();
    this.#callOffIdle();
    this.#forgetCredential();
    this.#parts.onEnd();
    this.#server?.close().catch(this.#parts.onError);
  }

  /** With the credential under which something is open; another of the same caller may go on. */
  destroy(): void {
    this.drop();
  }

  async #listen(request: Request): Promise<Response> {
    const { shared, writer, clock } = this.#parts;
    const lastEventId = request.headers.get(LAST_EVENT);
    const from = lastEventId === null ? undefined : readEventId(lastEventId);
    if (lastEventId !== null && !from) return noSuchEvent();
    // Which tells clients not to come back.
    if (from?.isEnd) return new Response(null, { status: 204 });
    if (from && from.stream !== NEWS_STREAM) {
      const { seal } = this;
      const around = { writer, seal, clock, record: shared.record, events: this.#events };
      return new ResumedStream(from, { ...around, over: this.#over.signal }).answer();
    }
    const headers = new Headers(request.headers);
    headers.delete(LAST_EVENT);
    const response = await this.#transport.handleRequest(new Request(request.url, { headers }));
    if (response.status === 200) await this.#tellMissed();
    return response;
  }

  /** Nobody knows what a client has missed that has listened before: it hears of all that may be. */
  async #tellMissed(): Promise<void> {
    if (this.#hasListened) {
      for (const uri of this.#subscribed) await this.#server?.server.sendResourceUpdated({ uri });
      this.#server?.sendResourceListChanged();
      return;
    }
    this.#hasListened = true;
    const { shared, onError } = this.#parts;
    await shared.record
      .listens(this.seal.handle)
      .catch((error: unknown) => onError(toAppError(error)));
  }

  /** Leaves what is for other processes to them. @returns the rest, if there is any. */
  async #handOver(message: unknown): Promise<unknown> {
    const { writer } = this.#parts;
    const messages: unknown[] = Array.isArray(message) ? message : [message];
    const own: unknown[] = [];
    for (const one of messages) {
      const asking = writerAsking(one);
      if (asking !== undefined && asking !== writer) {
        await this.#hand(one, { to: asking });
        continue;
      }
      const id = calledOff(one);
      if (id !== undefined && !this.#events.isAnswering(id)) {
        await this.#hand(one, { allBut: writer });
      }
      this.#events.callOff(id);
      own.push(this.#transport.inside(one));
    }
    if (!Array.isArray(message)) return own[0];
    return own.length === 0 && messages.length > 0 ? undefined : own;
  }

  async #hand(message: unknown, addressee: Addressee): Promise<void> {
    const { record, clock } = this.#parts.shared;
    const sealed = this.seal.seal(message);
    // An answer of a person's is never that long: it counts as none.
    if (sealed.length > MOST_LETTER_BYTES) return;
    await record.hand({ handle: this.seal.handle, sealed }, addressee, clock.now());
  }
}

function noSuchEvent(): Response {
  const words = "Last-Event-ID names no event of this server: leave it out to hear what is new.";
  return Response.json(refused(null, NOT_TAKEN, words), { status: 400 });
}
