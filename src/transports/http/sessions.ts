import { AsyncLocalStorage } from "node:async_hooks";
import type { ServerResponse } from "node:http";
import {
  type InitializeRequest,
  isInitializeRequest,
  type McpServer,
  type RequestId,
} from "@modelcontextprotocol/server";
import type { Credential } from "../../access/authenticator.ts";
import type { Caller } from "../../core/caller.ts";
import { randomToken } from "../../core/ids.ts";
import { NOT_TAKEN, SESSION_NOT_FOUND } from "../../core/json-rpc.ts";
import type { Subscriptions } from "../../server.ts";
import { MOST_BEGINNING_BYTES, type StoredSession } from "../../sessions/session-record.ts";
import { SessionSeal } from "../../sessions/session-seal.ts";
import { refused } from "../message.ts";
import { STREAM_RETRY_SECONDS, tooMany } from "../rate-limits.ts";
import { Session, type SessionOptions, type SharedSessions } from "./http-session.ts";
import { SessionLooks } from "./session-looks.ts";

const SESSION_HEADER = "mcp-session-id";

export interface SessionsOptions extends SessionOptions {
  /** How many one owner may have. */
  most: number;
  /** Where they are recorded. */
  shared: () => Promise<SharedSessions>;
  /** Makes the server of one session. */
  createServer: (caller: Caller, subscriptions: Subscriptions) => Promise<McpServer>;
}

/** What is asked in a session, or to begin one. */
export interface AskedInSession {
  request: Request;
  /** What the request brings, which has been read. */
  message: unknown;
  credential: Credential;
  /** The answer that is being made. */
  answer: ServerResponse;
}

/**
 * Sessions of clients of the 2025 era. Whoever asks for somebody else's is told that there is none:
 * a session belongs to an owner, and to what that owner's token may do. What is here of one that other
 * processes may have begun is made of its record when it is first asked for.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  /** This process, as others are told of it. */
  readonly #writer = randomToken();
  /** By their handles; the one that was used last comes last. */
  readonly #here = new Map<string, Session>();
  /** Those that are being made here. */
  readonly #coming = new Map<string, Promise<Session>>();
  readonly #asked = new AsyncLocalStorage<readonly RequestId[]>();
  readonly #looks: SessionLooks;
  #isClosed = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#looks = new SessionLooks({ ...options, writer: this.#writer, sessions: this.#here });
  }

  /** @throws {storage} when it cannot be looked up whether there is such a session. */
  async answer(asked: AskedInSession): Promise<Response> {
    const { request, message, credential, answer } = asked;
    const id = request.headers.get(SESSION_HEADER);
    if (id === null) return this.#begin(asked);
    const session = await this.#find(id, credential.caller);
    if (!session) return noSuchSession();
    session.use(answer, credential);
    this.#looks.begin();
    return session.answer(request, message);
  }

  /** Ends what is open of them here. */
  close(): void {
    this.#isClosed = true;
    this.#looks.close();
    for (const session of this.#here.values()) session.drop();
  }

  async #find(id: string, caller: Caller): Promise<Session | undefined> {
    const { record, clock } = await this.#options.shared();
    const { handle } = new SessionSeal(id);
    const stored = await record.find(handle, clock.now());
    if (!stored) this.#here.get(handle)?.drop();
    if (!stored || !isSame(stored.caller, caller)) return undefined;
    const session = this.#here.get(handle) ?? (await this.#takeUp(id, stored));
    this.#here.delete(handle);
    this.#here.set(handle, session);
    session.know(stored);
    return session;
  }

  /** Makes a session here that another process has begun: once, however many ask for it. */
  #takeUp(id: string, stored: StoredSession): Promise<Session> {
    const { handle } = stored;
    const coming =
      this.#coming.get(handle) ??
      this.#makeAnew(id, stored).finally(() => this.#coming.delete(handle));
    this.#coming.set(handle, coming);
    return coming;
  }

  async #makeAnew(id: string, { caller, beginning }: StoredSession): Promise<Session> {
    const session = this.#open(id, caller, await this.#options.shared());
    try {
      const server = await this.#options.createServer(caller, session.subscriptions);
      await session.takeUp(server, session.seal.open(beginning));
      return session;
    } catch (error) {
      session.drop();
      throw error;
    }
  }

  async #begin({ request, message, credential, answer }: AskedInSession): Promise<Response> {
    if (!isInitializeRequest(message)) return sessionNeeded();
    const { caller } = credential;
    const shared = await this.#options.shared();
    const session = this.#open(randomToken(), caller, shared);
    session.use(answer, credential);
    try {
      const refusal = await this.#record(session, message, shared);
      if (refusal) {
        session.drop();
        return refusal;
      }
      this.#looks.begin();
      await session.serve(await this.#options.createServer(caller, session.subscriptions));
      const response = await session.answer(request, message);
      if (response.status !== 200 || this.#isClosed) await session.end();
      return response;
    } catch (error) {
      await session.end().catch(() => undefined);
      throw error;
    }
  }

  /** Records a session that begins. @returns what its client is answered where that is not to be. */
  async #record(
    { seal, caller }: Session,
    message: InitializeRequest,
    { record, clock }: SharedSessions,
  ): Promise<Response | undefined> {
    const { most } = this.#options;
    const beginning = seal.seal(beginningOf(message));
    if (beginning.length > MOST_BEGINNING_BYTES) return tooLongBeginning();
    const start = { handle: seal.handle, caller, beginning };
    const inUse = [...this.#here].filter(([, { isIdle }]) => !isIdle).map(([handle]) => handle);
    if (await record.begin(start, { most, inUse }, clock.now())) return undefined;
    if (caller.isRemote) {
      return tooMany(
        `${most} sessions are in use, and one user may have no more (LONGCAT_MCP_MAX_STREAMS_PER_USER).`,
        STREAM_RETRY_SECONDS,
      );
    }
    // The user of this machine takes nothing from others.
    const anyNumber = { most: Number.MAX_SAFE_INTEGER, inUse };
    await record.begin(start, anyNumber, clock.now());
    return undefined;
  }

  #open(id: string, caller: Caller, shared: SharedSessions): Session {
    const { most, clock, open, onError } = this.#options;
    const opened = new Session({
      ...{ id, caller, shared, clock, open, onError },
      ...{ writer: this.#writer, asked: this.#asked },
      onEnd: () => {
        if (this.#here.get(opened.seal.handle) === opened) this.#here.delete(opened.seal.handle);
        this.#looks.sweep().catch(onError);
      },
    });
    // What other processes have ended of this owner's is no more than what one may have.
    const own = [...this.#here.values()].filter((one) => one.caller.owner === caller.owner);
    if (own.length >= most) own.find(({ isIdle }) => isIdle)?.drop();
    this.#here.set(opened.seal.handle, opened);
    return opened;
  }
}

/** What a session begins with: all that a server has to know of its client, and nothing else. */
function beginningOf({ id, params }: InitializeRequest & { id?: unknown }): object {
  const { protocolVersion, capabilities, clientInfo } = params;
  const { name, version } = clientInfo;
  return {
    ...{ jsonrpc: "2.0", id: id ?? 0, method: "initialize" },
    params: { protocolVersion, capabilities, clientInfo: { name, version } },
  };
}

function isSame(one: Caller, other: Caller): boolean {
  return (
    one.owner === other.owner &&
    one.isRemote === other.isRemote &&
    one.scopes.size === other.scopes.size &&
    [...one.scopes].every((scope) => other.scopes.has(scope))
  );
}

function noSuchSession(): Response {
  const words =
    "Session not found: it has ended, or there never was one of this id. Send initialize without Mcp-Session-Id to begin another; jobs go on and are kept.";
  return Response.json(refused(null, SESSION_NOT_FOUND, words), { status: 404 });
}

function sessionNeeded(): Response {
  const words =
    "Mcp-Session-Id is required: begin a session with initialize, and send the id that its answer has in this header. Revision 2026-07-28 takes none.";
  return Response.json(refused(null, NOT_TAKEN, words), { status: 400 });
}

function tooLongBeginning(): Response {
  const words = `What a client says of itself in initialize has at most ${MOST_BEGINNING_BYTES} bytes: leave out what is large in its capabilities.`;
  return Response.json(refused(null, NOT_TAKEN, words), { status: 400 });
}
