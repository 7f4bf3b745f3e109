import { setFlagsFromString } from "node:v8";

/*
 * V8 makes new objects in a room of their own, and doubles it whenever as much as it holds has lived
 * on: up to 32 MB in all, of which nothing is given back while the program has something to do. Both
 * flags are one number, which V8 reads when it is about to double the room.
 */

const DOUBLES = "--semi-space-growth-factor=2";
const STAYS = "--semi-space-growth-factor=1";
/** Whoever says how much room there is to be has said it. */
const IS_SAID = /semi.space/;

/** The room that V8 has for new objects. */
export class YoungRoom {
  #stays = false;

  /** @param options what Node was started with */
  keep(options: string): void {
    if (IS_SAID.test(options)) return;
    this.#stays = true;
    setFlagsFromString(STAYS);
  }

  /**
   * Does what takes or makes compiled code, Node's own or the program's, which V8 only takes under
   * the flags it was made with. `work` must not wait for anything.
   */
  whileCompiled<T>(work: () => T): T {
    if (!this.#stays) return work();
    setFlagsFromString(DOUBLES);
    try {
      return work();
    } finally {
      setFlagsFromString(STAYS);
    }
  }
}
