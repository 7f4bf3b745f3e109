import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import * as z from "zod";

const KEY_BYTES = 32;

/** What a question that was sent away comes back with. */
export interface QuestionState {
  /** Different for every question. */
  nonce: string;
  /** When it was asked, in milliseconds of the process's own clock. */
  askedAt: number;
  /** The key of the question that is asked. */
  asked: string;
  /** What was agreed to before it, within the same call. */
  agreed: readonly (readonly [key: string, chosen: string])[];
}

const schema = z.strictObject({
  nonce: z.string(),
  askedAt: z.number(),
  asked: z.string(),
  agreed: z.array(z.tuple([z.string(), z.string()])),
});

/**
 * State that travels through a client and comes back: signed, and bound to a caller, a tool and its
 * exact arguments, so that it says nothing anywhere else. The key lives as long as the process, and
 * with it all that was asked.
 */
export class SignedStates {
  readonly #key = randomBytes(KEY_BYTES);

  /** @param bound what it is good for, and for nothing else */
  seal(state: QuestionState, bound: string): string {
    const body = Buffer.from(JSON.stringify(state)).toString("base64url");
    return `${body}.${this.#sign(body, bound).toString("base64url")}`;
  }

  /** @returns `undefined` for what was not sealed here, or for something else. */
  open(text: string, bound: string): QuestionState | undefined {
    const [body = "", mac = "", ...rest] = text.split(".");
    const given = Buffer.from(mac, "base64url");
    const expected = this.#sign(body, bound);
    const isOurs =
      rest.length === 0 && given.length === expected.length && timingSafeEqual(given, expected);
    if (!isOurs) return undefined;
    return schema.parse(JSON.parse(Buffer.from(body, "base64url").toString("utf8")));
  }

  #sign(body: string, bound: string): Buffer {
    return createHmac("sha256", this.#key).update(`${bound}\n${body}`).digest();
  }
}
