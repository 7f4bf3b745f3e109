import { createHmac } from "node:crypto";

/** As hexadecimal digits. @param text `null` where there is none, and then there is no digest. */
export function keyedDigest(secret: Uint8Array, text: string): string;
export function keyedDigest(secret: Uint8Array, text: string | null): string | null;
export function keyedDigest(secret: Uint8Array, text: string | null): string | null {
  return text === null ? null : createHmac("sha256", secret).update(text).digest("hex");
}
