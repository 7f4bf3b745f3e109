import { randomToken } from "../core/ids.ts";

/** A process among those that may share a data folder. */
export interface ProcessFacts {
  /**
   * Where a process id means the same process: one machine since its start, and one container of it.
   * `undefined` where that cannot be told.
   */
  place: string | undefined;
  pid: number;
  /** Milliseconds since the epoch; process ids come again. */
  startedAt: number;
  /** Whether a process of this place lives. */
  lives: (pid: number) => boolean;
}

/**
 * Names a process in leases, and tells of others at its place whether they have ended. Nothing is
 * said of a process elsewhere, whose id is nobody's or another one's here: its beat decides.
 */
export function nameHolder(own: ProcessFacts): {
  holder: string;
  isGone: (other: string) => boolean;
} {
  const holder = `${own.place ?? randomToken()}/${own.pid}/${own.startedAt}`;
  const isGone = (other: string): boolean => {
    const [, place, id] = /^(.*)\/(\d+)\/\d+$/.exec(other) ?? [];
    if (place === undefined || place !== own.place) return false;
    const pid = Number(id);
    return pid === own.pid ? other !== holder : !own.lives(pid);
  };
  return { holder, isGone };
}
