const TICK_MS = 1_000;
/** What takes longer than usual is almost done for as long as it takes. */
const ALMOST = 0.95;

/** Moves the bars of what is being made, by how long such jobs usually take. */
export function startProgress(window: Window): void {
  const tick = () => {
    for (const bar of window.document.querySelectorAll<HTMLProgressElement>(
      "progress[data-usual]",
    )) {
      const usual = Number(bar.dataset["usual"]);
      const age = Date.now() - Number(bar.dataset["since"]);
      bar.value = Math.max(0, Math.min(ALMOST, age / usual));
    }
  };
  tick();
  window.setInterval(tick, TICK_MS);
}
