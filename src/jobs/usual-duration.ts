/** How many jobs say how long such jobs take. */
export const REMEMBERED_DURATIONS = 25;

/**
 * How long something usually takes: as long as the one in the middle, which one that waited for a
 * restart does not change.
 * @param durations in milliseconds, in any order; what ended before it began, by a clock that was
 *   set back, says nothing.
 * @returns `undefined` where nothing is known.
 */
export function usualMs(durations: readonly number[]): number | undefined {
  const known = durations.filter((ms) => ms > 0).sort((a, b) => a - b);
  const middle = Math.floor(known.length / 2);
  const upper = known[middle];
  const lower = known[known.length % 2 === 0 ? middle - 1 : middle];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}
