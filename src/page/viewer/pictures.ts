import type { Host } from "./host.ts";
import { type Picture, srcOfResource } from "./shown-answer.ts";

/** Fetches pictures from the server through the host; each once. */
export class Pictures {
  readonly #host: Host;
  readonly #kept = new Map<string, Promise<string | undefined>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** A small one. @returns a data URI; `undefined` where it cannot be had. */
  preview({ uri, src }: Pick<Picture, "uri" | "src">): Promise<string | undefined> {
    return src === undefined ? this.#read(`${uri}/preview`) : Promise.resolve(src);
  }

  /** The file itself. */
  whole(uri: string): Promise<string | undefined> {
    return this.#read(uri);
  }

  #read(uri: string): Promise<string | undefined> {
    const known = this.#kept.get(uri);
    if (known) return known;
    const reading = this.#host.can("serverResources")
      ? this.#host.request("resources/read", { uri }).then(srcOfResource, () => undefined)
      : Promise.resolve(undefined);
    this.#kept.set(uri, reading);
    return reading;
  }
}
