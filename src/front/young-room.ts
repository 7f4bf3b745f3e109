/*
 * V8 makes new objects in a room of their own, and doubles it whenever as much as it holds has lived
 * on: up to 32 MB and more, of which nothing is given back while the program has something to do.
 * It reads the factor when it is about to, and nowhere else.
 */

const DOUBLES = "--semi-space-growth-factor=2";
const STAYS = "--semi-space-growth-factor=1";
/** Smaller, more of what lives shortly is taken for old, which costs a tenth of a look at a job. */
const ENOUGH_BYTES = 8 * 1024 * 1024;
/** Whoever says how much room there is to be has said it. */
const IS_SAID = /semi.space/;

/** Of `node:v8`, which no list waits for. */
export interface Engine {
  setFlagsFromString(flags: string): void;
  getHeapSpaceStatistics(): { space_name: string; space_size: number }[];
}

/** The room that V8 has for new objects. */
export class YoungRoom {
  #engine: Engine | undefined;
  #mayGrow = true;

  /**
   * Keeps it from growing while there is enough; V8 makes it small when it has nothing to do.
   * @param options what Node was started with
   */
  keep(engine: Engine, options: string): void {
    if (IS_SAID.test(options)) return;
    this.#engine = engine;
    const look = () => {
      const spaces = engine.getHeapSpaceStatistics();
      const room = spaces.find(({ space_name }) => space_name === "new_space");
      this.#let((room?.space_size ?? 0) < ENOUGH_BYTES);
    };
    look();
    // It grows when garbage is collected, and is made smaller then.
    new PerformanceObserver(look).observe({ entryTypes: ["gc"] });
  }

  /**
   * Does what takes or makes compiled code, Node's own or the program's, which V8 only takes under
   * the flags it was made with. `work` must not wait for anything.
   */
  whileCompiled<T>(work: () => T): T {
    const mayGrow = this.#mayGrow;
    this.#let(true);
    try {
      return work();
    } finally {
      this.#let(mayGrow);
    }
  }

  #let(mayGrow: boolean): void {
    if (mayGrow === this.#mayGrow) return;
    this.#mayGrow = mayGrow;
    this.#engine?.setFlagsFromString(mayGrow ? DOUBLES : STAYS);
  }
}
