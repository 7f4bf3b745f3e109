import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";

const ALGORITHM = "aes-256-gcm";
const [IV_BYTES, TAG_BYTES] = [12, 16];

/**
 * What a session is recorded by. Its id is known to its client alone: from the record nobody can tell
 * it, nor read without it what is kept of the session.
 */
export class SessionSeal {
  /** What the session is found by. */
  readonly handle: string;
  readonly #key: Buffer;

  /** @param sessionId 128 random bits, or what somebody sends in their place. */
  constructor(sessionId: string) {
    const derived = (purpose: string) => createHmac("sha256", sessionId).update(purpose).digest();
    this.handle = derived("what a session is found by").toString("hex");
    this.#key = derived("what is kept of a session");
  }

  /** @param value what JSON can say. */
  seal(value: unknown): Uint8Array {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, iv);
    const text = Buffer.concat([cipher.update(JSON.stringify(value), "utf8"), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), text]);
  }

  /** @returns `undefined` for what was not sealed for this session. */
  open(sealed: Uint8Array): unknown {
    try {
      const tag = sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
      const cipher = createDecipheriv(ALGORITHM, this.#key, sealed.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      });
      cipher.setAuthTag(tag);
      const text = cipher.update(sealed.subarray(IV_BYTES + TAG_BYTES));
      return JSON.parse(Buffer.concat([text, cipher.final()]).toString("utf8"));
    } catch {
      return undefined;
    }
  }
}
