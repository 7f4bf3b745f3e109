import type { Clock } from "./clock.ts";

/** Something that is worth doing at once, and again only after a while, however often it is due. */
export interface Seldom {
  call(): void;
  /** What is still due is not done any more. */
  end(): void;
}

/**
 * Runs something when it is called, and after that at most once in `ms` milliseconds: calls in
 * between come to one at their end, so that the last is never without effect.
 */
export function seldom(clock: Clock, ms: number, run: () => void): Seldom {
  let callOff: (() => void) | undefined;
  let isDue = false;
  const now = () => {
    isDue = false;
    callOff = clock.schedule(ms, () => {
      callOff = undefined;
      if (isDue) now();
    });
    run();
  };
  return {
    call() {
      if (callOff) isDue = true;
      else now();
    },
    end: () => callOff?.(),
  };
}
