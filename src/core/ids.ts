import { randomBytes } from "node:crypto";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const BITS_PER_CHARACTER = 5;
const ID_BYTES = 16;

/** Lower-case base32 (RFC 4648, no padding). */
export function base32(bytes: Uint8Array): string {
  let bits = 0;
  let value = 0;
  let text = "";
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= BITS_PER_CHARACTER) {
      bits -= BITS_PER_CHARACTER;
      text += ALPHABET.charAt((value >>> bits) & 31);
    }
    value &= (1 << bits) - 1;
  }
  if (bits > 0) text += ALPHABET.charAt((value << (BITS_PER_CHARACTER - bits)) & 31);
  return text;
}

/** 128 random bits as 26 characters: unguessable, safe in file names and URLs. */
export function randomToken(): string {
  return base32(randomBytes(ID_BYTES));
}

export function newJobId(): string {
  return `job_${randomToken()}`;
}

export function newThreadId(): string {
  return `thread_${randomToken()}`;
}
