import { createLocalJWKSet, errors, type JWTVerifyGetKey } from "jose";
import * as z from "zod";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { isLoopbackHost } from "../core/host-addresses.ts";
import { oneLine } from "../core/text.ts";

/** A key that was taken back is not believed for longer, and a new one is known by then. */
const FRESH_MS = 45_000;
/** Tokens with made-up key ids, and an issuer that is down, are no reason to ask more often. */
const BETWEEN_ASKS_MS = 10_000;
/** How long the last known keys hold where the issuer does not answer. */
const STALE_MS = 600_000;
const MOST_KEYS = 100;

const documentSchema = z.looseObject({ issuer: z.string(), jwks_uri: z.string() });
const keysSchema = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) });

type KeySet = ReturnType<typeof createLocalJWKSet>;

/** Gets a JSON document. @throws when there is none at the address. */
export type GetJson = (url: URL) => Promise<unknown>;

/** The keys by which an issuer's tokens are known, as its own documents name them and nothing else. */
export class IssuerKeys {
  readonly #issuer: string;
  readonly #getJson: GetJson;
  readonly #clock: Clock;
  #keys: { set: KeySet; at: number } | undefined;
  #asked: { at: number; done: Promise<void> } | undefined;
  #problem = "it was not asked yet";

  constructor(issuer: string, getJson: GetJson, clock: Clock) {
    this.#issuer = issuer;
    this.#getJson = getJson;
    this.#clock = clock;
  }

  /**
   * The key that a token's header names.
   * @throws {upstream_unavailable} when the issuer's keys are not known.
   */
  readonly keyOf: JWTVerifyGetKey = async (header, token) => {
    if (this.#age() > FRESH_MS) await this.#ask();
    const keys = this.#require();
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#ask();
      return await this.#require()(header, token);
    }
  };

  #age(): number {
    return this.#keys ? this.#clock.elapsed() - this.#keys.at : Number.POSITIVE_INFINITY;
  }

  #require(): KeySet {
    if (this.#keys && this.#age() <= STALE_MS) return this.#keys.set;
    throw new AppError(
      "upstream_unavailable",
      `The keys of ${oneLine(this.#issuer)} are not known: ${this.#problem}.`,
    );
  }

  /** Asks the issuer, unless it was asked a moment ago; whoever comes meanwhile waits as well. */
  #ask(): Promise<void> {
    const now = this.#clock.elapsed();
    if (this.#asked && now - this.#asked.at < BETWEEN_ASKS_MS) return this.#asked.done;
    const done = this.#fetch().then(
      (set) => {
        this.#keys = { set, at: this.#clock.elapsed() };
      },
      (error: unknown) => {
        this.#problem = oneLine(error instanceof Error ? error.message : String(error));
      },
    );
    this.#asked = { at: now, done };
    return done;
  }

  async #fetch(): Promise<KeySet> {
    const { jwks_uri } = await this.#document();
    const { keys } = keysSchema.parse(await this.#getJson(safeUrl(jwks_uri)));
    return createLocalJWKSet({ keys: keys.slice(0, MOST_KEYS) });
  }

  /** Where the issuer says what it has: RFC 8414, and OpenID Connect Discovery. */
  async #document() {
    let problem: unknown;
    for (const url of documentUrls(this.#issuer)) {
      try {
        const document = documentSchema.parse(await this.#getJson(url));
        if (document.issuer === this.#issuer) return document;
        problem = new AppError(
          "configuration",
          `it calls itself ${oneLine(document.issuer)}, which LONGCAT_MCP_OAUTH_ISSUER must be to the letter`,
        );
      } catch (error) {
        problem ??= error;
      }
    }
    throw problem;
  }
}

/** In the order in which clients of MCP look. */
function documentUrls(issuer: string): URL[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/+$/, "");
  return [
    ...new Set([
      `${origin}/.well-known/oauth-authorization-server${path}`,
      `${origin}/.well-known/openid-configuration${path}`,
      `${origin}${path}/.well-known/openid-configuration`,
    ]),
  ].map((url) => new URL(url));
}

/** Keys that came in clear could be anybody's. */
function safeUrl(text: string): URL {
  const url = new URL(text);
  if (url.protocol === "https:" || isLoopbackHost(url.hostname)) return url;
  throw new AppError("configuration", `its keys are not at an https address (${oneLine(text)})`);
}
