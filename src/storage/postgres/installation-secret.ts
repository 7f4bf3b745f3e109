import * as z from "zod";
import { keyedDigest } from "../rows/keyed-digest.ts";
import type { Statements } from "./database.ts";

const secretRow = z.object({ secret: z.instanceof(Uint8Array) });

/** What only one installation knows, so that nobody without it can guess what its digests are of. */
export class InstallationSecret {
  readonly #db: Statements;
  #secret: Uint8Array | undefined;

  constructor(db: Statements) {
    this.#db = db;
  }

  async digest(text: string): Promise<string> {
    if (!this.#secret) {
      const [row] = await this.#db.all("SELECT secret FROM store_secret", []);
      this.#secret = secretRow.parse(row).secret;
    }
    return keyedDigest(this.#secret, text);
  }
}
