/** Who waits for a signal. Kept beside the signals, and no longer than they are. */
const WAITING = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Runs something once when a signal aborts; at once if it already has. Any number may wait for one
 * signal: its own listeners are gone through each time one is added or taken away, and Node warns
 * of more than ten.
 * @returns a function that takes it back.
 */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (!signal) return () => {};
  if (signal.aborted) {
    run();
    return () => {};
  }
  const waiting = WAITING.get(signal) ?? waitingFor(signal);
  // A function of its own: the same one may be given twice.
  const once = () => run();
  waiting.add(once);
  return () => {
    waiting.delete(once);
  };
}

function waitingFor(signal: AbortSignal): Set<() => void> {
  const waiting = new Set<() => void>();
  WAITING.set(signal, waiting);
  const runAll = () => {
    for (const run of waiting) {
      waiting.delete(run);
      run();
    }
  };
  signal.addEventListener("abort", runAll, { once: true });
  return waiting;
}

/** A signal that aborts with the first of others, and keeps nothing of them once it is released. */
export function firstOf(signals: readonly (AbortSignal | undefined)[]): {
  signal: AbortSignal;
  release: () => void;
} {
  const first = new AbortController();
  const releases = signals.map((signal) => onAbort(signal, () => first.abort()));
  const release = () => {
    for (const one of releases) one();
  };
  return { signal: first.signal, release };
}
