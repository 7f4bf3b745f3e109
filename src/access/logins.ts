import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose";
import * as z from "zod";
import { type Scope, scopesIn } from "../core/caller.ts";
import type { Clock } from "../core/clock.ts";
import type { ProtectedResource } from "./authenticator.ts";
import type { GetJson } from "./issuer-keys.ts";
import { IssuerKeys } from "./issuer-keys.ts";

/** What clocks may differ by. */
const TOLERANCE_S = 60;
/** Nothing that a client and an issuer could share: none of them is a secret. */
const ALGORITHMS = ["RS256", "ES256", "EdDSA"];
const MOST_SUBJECT_CHARACTERS = 512;

const claimsSchema = z.looseObject({
  sub: z.string().min(1).max(MOST_SUBJECT_CHARACTERS),
  exp: z.number(),
  scope: z.union([z.string(), z.array(z.string())]).optional(),
  scp: z.union([z.string(), z.array(z.string())]).optional(),
});

/** What a login of the issuer says. */
export interface Login {
  subject: string;
  scopes: ReadonlySet<Scope>;
  /** When it ends, in milliseconds since the epoch. */
  endsAt: number;
}

const REFUSALS: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: "The token has expired",
  ERR_JOSE_ALG_NOT_ALLOWED: `The token is not signed with ${ALGORITHMS.join(", ")}`,
  ERR_JWKS_NO_MATCHING_KEY: "The token is not signed with a key of the issuer",
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "The token is not signed by the issuer",
};

/** Tokens of an OAuth issuer that are made for this server. */
export class Logins {
  readonly issuer: string;
  readonly #audience: string;
  readonly #keys: IssuerKeys;
  readonly #clock: Clock;

  constructor({ issuer, audience }: ProtectedResource, getJson: GetJson, clock: Clock) {
    this.issuer = issuer;
    this.#audience = audience;
    this.#keys = new IssuerKeys(issuer, getJson, clock);
    this.#clock = clock;
  }

  /**
   * Who a token says has logged in.
   * @throws {upstream_unavailable} when the issuer's keys are not known.
   */
  async read(token: string): Promise<Login | { refused: string }> {
    try {
      const now = this.#clock.now();
      const payload = await this.#verified(token, {
        algorithms: ALGORITHMS,
        issuer: this.issuer,
        audience: spellings(this.#audience),
        requiredClaims: ["iss", "aud", "exp", "sub"],
        clockTolerance: TOLERANCE_S,
        currentDate: new Date(now),
      });
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success) return { refused: "The token does not name its subject and scopes" };
      const { sub, exp, scope, scp } = claims.data;
      const isOver = exp * 1000 <= now;
      return {
        subject: sub,
        scopes: scopesIn(words(scope ?? scp)),
        endsAt: (exp + (isOver ? TOLERANCE_S : 0)) * 1000,
      };
    } catch (error) {
      if (error instanceof errors.JOSEError) return { refused: refusalOf(error) };
      throw error;
    }
  }

  async #verified(token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
    try {
      return (await jwtVerify(token, this.#keys.keyOf, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      // A token that names no key may be signed with any of several.
      for await (const key of error) {
        try {
          return (await jwtVerify(token, key, options)).payload;
        } catch (wrong) {
          if (!(wrong instanceof errors.JWSSignatureVerificationFailed)) throw wrong;
        }
      }
      throw new errors.JWSSignatureVerificationFailed();
    }
  }
}

function refusalOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `The claim ${error.claim} of the token is not what this server takes`;
  }
  return REFUSALS[error.code] ?? "The token cannot be read";
}

function words(given: string | readonly string[] | undefined): string[] {
  const all = typeof given === "string" ? [given] : (given ?? []);
  return all.flatMap((one) => one.split(" "));
}

/** Issuers write an address with or without the slash at its end. */
function spellings(audience: string): string[] {
  return audience.endsWith("/") ? [audience, audience.slice(0, -1)] : [audience, `${audience}/`];
}
