import { createHmac, timingSafeEqual } from "node:crypto";
import * as z from "zod";

/** What a question that was sent away comes back with. */
export interface QuestionState {
  /** Different for every question. */
  nonce: string;
  /** When it was asked, in milliseconds since the epoch: another process may get the answer. */
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
 * exact arguments, so that it says nothing anywhere else.
 */
export class SignedStates {
  readonly #secret: () => Promise<Buffer>;

  /** @param secret shared by all who may get back what one of them has sealed. */
  constructor(secret: () => Promise<Buffer>) {
    this.#secret = secret;
  }

  /** @param bound what it is good for, and for nothing else. @throws what getting the secret throws */
  async seal(state: QuestionState, bound: string): Promise<string> {
    const body = Buffer.from(JSON.stringify(state)).toString("base64url");
    return `${body}.${(await this.#sign(body, bound)).toString("base64url")}`;
  }

  /**
   * @returns `undefined` for what was not sealed with this secret, or for something else.
   * @throws what getting the secret throws
   */
  async open(text: string, bound: string): Promise<QuestionState | undefined> {
    const [body = "", mac = "", ...rest] = text.split(".");
    const given = Buffer.from(mac, "base64url");
    const expected = await this.#sign(body, bound);
    const isOurs =
      rest.length === 0 && given.length === expected.length && timingSafeEqual(given, expected);
    if (!isOurs) return undefined;
    return schema.safeParse(JSON.parse(Buffer.from(body, "base64url").toString("utf8"))).data;
  }

  async #sign(body: string, bound: string): Promise<Buffer> {
    return createHmac("sha256", await this.#secret())
      .update(`${bound}\n${body}`)
      .digest();
  }
}
