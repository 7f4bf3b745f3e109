import { JOB_ID_PATTERN } from "../../core/id-patterns.ts";
import { fetchPage, placeTile } from "./pieces.ts";

/** Of several changes of one job in so short a time the last is shown. */
const SETTLE_MS = 150;

/**
 * Follows what happens to jobs, for as long as somebody looks: a tab in the background holds no
 * connection open, of which browsers allow few.
 * @param onJob told when the page's own job was shown anew.
 */
export function listen(window: Window, onJob: () => void): void {
  const { document } = window;
  const grid = document.getElementById("grid");
  const own = document.getElementById("job")?.dataset["job"];
  const turns = () => [...document.querySelectorAll<HTMLElement>(".turn")];
  if (!grid && own === undefined && turns().length === 0) return;
  let source: EventSource | undefined;
  const due = new Map<string, number>();
  const later = (jobId: string, run: () => Promise<void>) => {
    window.clearTimeout(due.get(jobId));
    due.set(
      jobId,
      window.setTimeout(() => void run(), SETTLE_MS),
    );
  };
  const showAgain = async (id: "job" | "thread") => {
    const next = (await fetchPage(window.location.href))?.getElementById(id);
    const there = document.getElementById(id);
    if (!next || !there || isInUse(there)) return;
    there.replaceWith(next);
    if (id === "job") onJob();
  };
  const heard = (jobId: string) => {
    if (grid) {
      later(jobId, async () => {
        const fragment = await fetchPage(`/cards/${jobId}`);
        if (fragment) placeTile(grid, fragment, grid.dataset["live"] === "all");
      });
    } else if (jobId === own) {
      later(jobId, () => showAgain("job"));
    } else if (turns().some((turn) => turn.dataset["job"] === jobId)) {
      later(jobId, () => showAgain("thread"));
    }
  };
  const gone = (jobId: string) => {
    window.clearTimeout(due.get(jobId));
    if (grid) document.getElementById(jobId)?.remove();
  };
  const open = () => {
    if (document.visibilityState !== "visible" || source) return;
    source = new EventSource("/events");
    source.addEventListener("job", ({ data }) => heard(idIn(data)));
    source.addEventListener("gone", ({ data }) => gone(idIn(data)));
  };
  const close = () => {
    source?.close();
    source = undefined;
  };
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") open();
    else close();
  });
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  open();
}

/** Whether somebody is at a form of it, which must not go from under their hands. */
function isInUse(element: Element): boolean {
  return (
    element.contains(document.activeElement) && document.activeElement?.matches("form *") === true
  );
}

function idIn(data: unknown): string {
  const parsed: unknown = JSON.parse(String(data));
  const job = typeof parsed === "object" && parsed !== null && "job" in parsed ? parsed.job : "";
  return typeof job === "string" && JOB_ID_PATTERN.test(job) ? job : "";
}
