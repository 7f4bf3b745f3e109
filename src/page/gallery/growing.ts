import { appendDays, fetchPage } from "./pieces.ts";

/** How far before its end a grid grows, so that nobody sees it. */
const AHEAD = "1500px";
/**
 * How many pages a grid grows by. After that the link for more, which has led on all the time, leads
 * to a page of its own: no browser has to hold all of ten thousand pictures.
 */
const MOST_PAGES = 25;

/** Makes the grid grow as it is scrolled, and come back to where it was left. */
export function growing(window: Window): void {
  const { document, history } = window;
  const grid = document.getElementById("grid");
  let more = document.querySelector(".more");
  if (!grid || !more) return;
  let pages = 0;
  let isBusy = false;
  const grow = async () => {
    const link = more?.querySelector("a");
    if (!link || isBusy || pages === MOST_PAGES) return false;
    isBusy = true;
    const next = await fetchPage(link.href);
    isBusy = false;
    // What could not be fetched can be asked for by the link, which stays.
    if (!next) return false;
    appendDays(grid, next);
    const further = next.querySelector(".more");
    if (further) more?.replaceWith(further);
    else more?.remove();
    more = further;
    pages++;
    if (more) watcher.observe(more);
    return true;
  };
  const watcher = new IntersectionObserver(
    (entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) void grow();
    },
    { rootMargin: AHEAD },
  );
  const left = leftAt(history.state);
  history.scrollRestoration = "manual";
  window.addEventListener("pagehide", () => {
    history.replaceState({ pages, top: window.scrollY }, "");
  });
  const comeBack = async () => {
    while (pages < left.pages && (await grow()));
    if (left.top > 0) window.scrollTo(0, left.top);
    if (more) watcher.observe(more);
  };
  void comeBack();
}

function leftAt(state: unknown): { pages: number; top: number } {
  const fields = typeof state === "object" && state !== null ? { ...state } : {};
  const number = (name: "pages" | "top") => {
    const value = name in fields ? Reflect.get(fields, name) : 0;
    return typeof value === "number" ? value : 0;
  };
  return { pages: number("pages"), top: number("top") };
}
