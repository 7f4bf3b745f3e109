import * as z from "zod";
import { keyedDigest } from "../rows/keyed-digest.ts";
import type { Connection } from "./connection.ts";

const secretRow = z.object({ secret: z.instanceof(Uint8Array) });

/** What only this store knows, so that nobody without it can guess what its digests are of. */
export class StoreSecret {
  readonly #secret: Uint8Array;

  constructor(connection: Connection) {
    const [row] = connection.all("SELECT secret FROM store_secret", []);
    this.#secret = secretRow.parse(row).secret;
  }

  digest(text: string): string {
    return keyedDigest(this.#secret, text);
  }
}
