import type { ServerResponse } from "node:http";
import { isInitializeRequest, type McpServer } from "@modelcontextprotocol/server";
import type { Credential } from "../../access/authenticator.ts";
import type { Caller } from "../../core/caller.ts";
import { refused } from "../message.ts";
import { STREAM_RETRY_SECONDS, tooMany } from "../rate-limits.ts";
import { Session, type SessionOptions } from "./http-session.ts";

const SESSION_HEADER = "mcp-session-id";
const NOT_TAKEN = -32000;
/** What the libraries of that era say of a session that is not there. */
const NO_SUCH_SESSION = -32001;

export interface SessionsOptions extends SessionOptions {
  /** How many one owner may have. */
  most: number;
  /** Makes the server of one session. */
  createServer: (caller: Caller) => Promise<McpServer>;
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
 * a session belongs to an owner, and to what that owner's token may do.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  /** The one that was used last comes last. */
  readonly #open = new Map<string, Session>();
  #isClosed = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  async answer(asked: AskedInSession): Promise<Response> {
    const { request, message, credential, answer } = asked;
    const id = request.headers.get(SESSION_HEADER);
    if (id === null) return this.#begin(asked);
    const session = this.#open.get(id);
    if (!session || !isSame(session.caller, credential.caller)) return noSuchSession();
    this.#open.delete(id);
    this.#open.set(id, session);
    session.use(answer, credential);
    return session.answer(request, message);
  }

  close(): void {
    this.#isClosed = true;
    for (const session of this.#open.values()) session.destroy();
  }

  async #begin({ request, message, credential, answer }: AskedInSession): Promise<Response> {
    if (!isInitializeRequest(message)) return sessionNeeded();
    const { caller } = credential;
    const noRoom = this.#makeRoom(caller);
    if (noRoom) return noRoom;
    const session = new Session(caller, this.#options, () => this.#open.delete(session.id));
    this.#open.set(session.id, session);
    session.use(answer, credential);
    try {
      await session.serve(await this.#options.createServer(caller));
      const response = await session.answer(request, message);
      if (response.status !== 200 || this.#isClosed) session.destroy();
      return response;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  /**
   * Ends the session that an owner has not used for longest where there are too many: clients
   * that are gone say no farewell.
   */
  #makeRoom({ owner, isRemote }: Caller): Response | undefined {
    const own = [...this.#open.values()].filter((one) => one.caller.owner === owner);
    const { most } = this.#options;
    if (own.length < most) return undefined;
    const idle = own.find((one) => one.isIdle);
    idle?.destroy();
    // The user of this machine takes nothing from others.
    if (idle || !isRemote) return undefined;
    return tooMany(
      `${most} sessions are in use, and one user may have no more (LONGCAT_MCP_MAX_STREAMS_PER_USER).`,
      STREAM_RETRY_SECONDS,
    );
  }
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
  return Response.json(refused(null, NO_SUCH_SESSION, words), { status: 404 });
}

function sessionNeeded(): Response {
  const words =
    "Mcp-Session-Id is required: begin a session with initialize, and send the id that its answer has in this header. Revision 2026-07-28 takes none.";
  return Response.json(refused(null, NOT_TAKEN, words), { status: 400 });
}
