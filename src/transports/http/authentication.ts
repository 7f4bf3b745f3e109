import {
  bearerAuthChallengeResponse,
  getOAuthProtectedResourceMetadataUrl,
  OAuthError,
  OAuthErrorCode,
} from "@modelcontextprotocol/server";
import type { Access, Credential, ProtectedResource } from "../../access/authenticator.ts";
import { GIVEN_SCOPES, type Scope } from "../../core/caller.ts";
import { LOCAL_CALLER } from "../../core/owner.ts";

const BEARER = /^Bearer +([\w.~+/-]+=*) *$/i;

/** How the callers of an endpoint say who they are, and what they are answered if they do not. */
export class Authentication {
  readonly #access: Access | undefined;
  /** Where clients learn how to log in: told by the settings, never by a request. */
  readonly #metadataUrl: string | undefined;

  readonly #local: Credential;

  /**
   * @param access absent: everybody who may connect is the one user of this machine.
   * @param isAnywhere whether that user is told nothing of this machine all the same.
   */
  constructor(access: Access | undefined, isAnywhere = false) {
    this.#access = access;
    // The one user of this machine, until others are told apart from it.
    this.#local = {
      caller: isAnywhere ? { ...LOCAL_CALLER, isRemote: true } : LOCAL_CALLER,
      id: LOCAL_CALLER.owner,
      endsAt: Number.POSITIVE_INFINITY,
      holds: async () => !(await this.isClosed()),
    };
    this.#metadataUrl = access?.resource && metadataUrl(access.resource);
  }

  async isClosed(): Promise<boolean> {
    return (await this.#access?.authenticator.isClosed()) ?? false;
  }

  /**
   * Who sent a request, or what it is answered.
   * @param address of who sent it, asked for where it is not let in
   * @param isClosed what {@link isClosed} says
   */
  async credentialOf(
    headers: Headers,
    address: () => string,
    isClosed: boolean,
  ): Promise<Credential | Response> {
    const authenticator = this.#access?.authenticator;
    if (!authenticator || !isClosed) return this.#local;
    const header = headers.get("authorization");
    if (header === null) return this.#asked();
    const token = BEARER.exec(header)?.[1];
    const verified =
      token === undefined
        ? { refused: "Authorization must be Bearer and one token" }
        : await authenticator.verify(token);
    if (!("refused" in verified)) return verified;
    await authenticator.noteRefusal(address());
    return this.#challenge(OAuthErrorCode.InvalidToken, `${verified.refused}. ${this.#wayIn()}`);
  }

  /** What a caller is answered whose scopes do not suffice. */
  lacking(scope: Scope): Response {
    const words = `This takes the scope ${scope}, which your token does not have; nothing was done. Whoever runs this server can give it one`;
    return this.#challenge(OAuthErrorCode.InsufficientScope, words, scope);
  }

  /** Somebody who has not said anything yet is not told of an error (RFC 6750, section 3). */
  #asked(): Response {
    const more = this.#metadataUrl
      ? ` scope="${GIVEN_SCOPES.join(" ")}", resource_metadata="${this.#metadataUrl}"`
      : "";
    const words = `A Bearer token is needed. ${this.#wayIn()}`;
    const error = new OAuthError(OAuthErrorCode.InvalidToken, words);
    return Response.json(error.toResponseObject(), {
      status: 401,
      headers: { "WWW-Authenticate": `Bearer${more}` },
    });
  }

  /** For whoever reads a refusal. */
  #wayIn(): string {
    const token = "Whoever runs this server gives out tokens (longcat-mcp users add)";
    return `${this.#metadataUrl ? `Log in again. ${token} as well` : token}; nothing was done`;
  }

  #challenge(code: OAuthErrorCode, words: string, scope?: Scope): Response {
    return bearerAuthChallengeResponse(new OAuthError(code, words), {
      ...(scope === undefined ? {} : { requiredScopes: [scope] }),
      ...(this.#metadataUrl === undefined ? {} : { resourceMetadataUrl: this.#metadataUrl }),
    });
  }
}

/** Where the document of a protected resource lies, seen from outside (RFC 9728). */
export function metadataUrl({ audience }: ProtectedResource): string {
  return getOAuthProtectedResourceMetadataUrl(new URL(audience));
}
