import { createHash, randomBytes } from "node:crypto";
import { base32 } from "../core/ids.ts";

/** By which people and secret scanners know what they have found. */
export const TOKEN_PREFIX = "lcmcp_";
/** 160 bits are 32 characters, none of them half used. */
const TOKEN_BYTES = 20;
const TOKEN = new RegExp(`^${TOKEN_PREFIX}[a-z2-7]{32}$`);

/** A token that nobody can guess. It is shown once; only its hash is kept. */
export function newToken(): string {
  return TOKEN_PREFIX + base32(randomBytes(TOKEN_BYTES));
}

/** Whether a text has the form of our tokens, so that it is worth looking for. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * What is kept of a token, as hexadecimal digits. Without salt or many rounds: a token is random,
 * and no list of likely ones exists.
 */
export function tokenHash(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
