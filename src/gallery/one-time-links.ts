import { createHash, randomBytes } from "node:crypto";
import type { Credential } from "../access/authenticator.ts";
import { type Clock, MINUTE_MS } from "../core/clock.ts";

const LINK_MINUTES = 10;
const SECRET_BYTES = 32;
/** Nobody needs more at a time; the oldest go first. */
const MAX_LINKS = 50;

/** The path at which links are taken; their secret follows it. */
export const ENTER_PATH = "/enter/";

interface Way {
  credential: Credential;
  /** Where it leads, a path of the gallery's own. */
  path: string;
  endsAt: number;
}

/** Links that let somebody in once, within some minutes. Kept in this process, as digests. */
export class OneTimeLinks {
  readonly #clock: Clock;
  readonly #ways = new Map<string, Way>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param credential whom it lets in.
   * @param path where it leads.
   * @returns the path of the link.
   */
  make(credential: Credential, path: string): string {
    const secret = randomBytes(SECRET_BYTES).toString("base64url");
    for (const name of [...this.#ways.keys()].slice(
      0,
      Math.max(0, this.#ways.size + 1 - MAX_LINKS),
    )) {
      this.#ways.delete(name);
    }
    const endsAt = this.#clock.now() + LINK_MINUTES * MINUTE_MS;
    this.#ways.set(digest(secret), { credential, path, endsAt });
    return ENTER_PATH + secret;
  }

  /** Uses a link up. @returns `undefined` for none, a used one, or one that is too old. */
  async use(secret: string): Promise<Pick<Way, "credential" | "path"> | undefined> {
    const name = digest(secret);
    const way = this.#ways.get(name);
    this.#ways.delete(name);
    if (!way || way.endsAt <= this.#clock.now()) return undefined;
    return (await way.credential.holds()) ? way : undefined;
  }
}

function digest(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
