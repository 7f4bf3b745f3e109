/** A session of an owner's, where there may be too many of them. */
export interface Seated {
  handle: string;
  /** Milliseconds since the epoch. */
  inUseUntil: number;
}

/** Of how many sessions there is room for one owner, and which of them the caller knows to be in use. */
export interface Room {
  most: number;
  inUse: readonly string[];
}

/**
 * Which session ends so that its owner can begin another.
 * @param own all of the owner's, the one that was used longest ago first.
 * @returns its handle; `none` where there is room, `full` where all are in use.
 */
export function whoGoes(
  own: readonly Seated[],
  { most, inUse }: Room,
  now: number,
): { handle: string } | "none" | "full" {
  if (own.length < most) return "none";
  return own.find((one) => one.inUseUntil <= now && !inUse.includes(one.handle)) ?? "full";
}
