import type { Clock } from "../core/clock.ts";
import type { OpenPage } from "../core/open-page.ts";

/** However many jobs an assistant looks at, nobody's screen fills with pages. */
const APART_MS = 60_000;

/**
 * Opens each page once, however often it is wanted, and no two right after each other.
 * @param openPage opens one.
 * @returns whether a page was opened, now or when it was wanted first.
 */
export function onceEach(openPage: OpenPage, clock: Pick<Clock, "elapsed">): OpenPage {
  const opened = new Map<string, Promise<boolean>>();
  let last = Number.NEGATIVE_INFINITY;
  return (path) => {
    const before = opened.get(path);
    if (before) return before;
    const now = clock.elapsed();
    if (now - last < APART_MS) return Promise.resolve(false);
    last = now;
    const opening = openPage(path);
    opened.set(path, opening);
    return opening;
  };
}
