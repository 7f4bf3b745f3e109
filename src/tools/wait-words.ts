/** How long a call waits unasked, in seconds. */
export const DEFAULT_WAIT_SECONDS = 25;

/** What is said of `wait_seconds` where a call may wait so long at most. */
export function waitWords(maxWaitSeconds: number): string {
  return `Default ${Math.min(DEFAULT_WAIT_SECONDS, maxWaitSeconds)}`;
}
