/** A function that runs the given one at its first call only. */
export function once(run: () => Promise<void>): () => void {
  let started = false;
  return () => {
    if (started) return;
    started = true;
    void run();
  };
}
