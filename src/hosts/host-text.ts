import { stringify } from "smol-toml";
import { AppError, toAppError } from "../core/errors.ts";
import { isFields } from "../core/json-fields.ts";
import { oneLine } from "../core/text.ts";
import type { Entry } from "./host-entry.ts";

import { type Host, SERVER_NAME } from "./hosts.ts";
import { dropJson, jsonAt, putJson, readJson } from "./json-text.ts";
import { dropToml, putToml, readToml, tomlAt } from "./toml-text.ts";

/** What a host's file says, and what it is to say: one form for all hosts. */
export class HostText {
  readonly #host: Host;
  readonly #named: string;
  readonly text: string;

  /** @param named the file, for what is said of it */
  constructor(host: Host, named: string, text: string) {
    this.#host = host;
    this.#named = named;
    this.text = text;
  }

  /** Where the server's entry is in the file, from its root down. @throws {configuration} */
  get place(): string[] {
    const read = this.#host.format === "json" ? readJson : readToml;
    return this.#try(() => [...this.#host.section(read(this.text)), SERVER_NAME]);
  }

  /** @throws {configuration} where the file cannot be read as what it should be */
  get entry(): unknown {
    return this.#at(this.place);
  }

  get hasSection(): boolean {
    return this.#at(this.place.slice(0, -1)) !== undefined;
  }

  /** @throws {configuration} where it cannot be put there */
  with(entry: Entry): string {
    const { place } = this;
    const put = this.#host.format === "json" ? putJson : putToml;
    return this.#try(() => put(this.text, place, entry));
  }

  /** @param section whether the list of servers goes as well, if nothing else is in it */
  without(section: boolean): string {
    const { place } = this;
    const drop = this.#host.format === "json" ? dropJson : dropToml;
    return this.#try(() => {
      const text = drop(this.text, place);
      const above = place.slice(0, -1);
      const left = this.#host.format === "json" ? jsonAt(text, above) : undefined;
      const isEmpty = isFields(left) && Object.keys(left).length === 0;
      return section && isEmpty ? drop(text, above) : text;
    });
  }

  /** An entry as it is written in such a file. */
  rendered(entry: unknown): string[] {
    const { place } = this;
    if (this.#host.format === "toml" && isFields(entry)) {
      const [section = "", name = ""] = place;
      return stringify({ [section]: { [name]: entry } })
        .trim()
        .split("\n")
        .filter((line) => line !== "" && line !== `[${section}]`);
    }
    return `${JSON.stringify(place.at(-1))}: ${JSON.stringify(entry, undefined, 2)}`.split("\n");
  }

  #at(path: readonly string[]): unknown {
    return this.#try(() => (this.#host.format === "json" ? jsonAt : tomlAt)(this.text, path));
  }

  #try<T>(read: () => T): T {
    try {
      return read();
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== "configuration") throw error;
      throw new AppError("configuration", `${oneLine(this.#named)} ${error.message}.`, {
        cause: thrown,
        next: error.next,
      });
    }
  }
}
