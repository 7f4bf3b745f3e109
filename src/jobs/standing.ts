import type { Caps } from "../core/money.ts";

/** Money that has left or may leave, in US dollars, since the start of the UTC day and month. */
export interface Committed {
  todayUsd: number;
  thisMonthUsd: number;
}

/** What an owner's jobs have cost or may cost by now, and where others use the server, what theirs do. */
export interface Standing extends Committed {
  /** Absent where there are no users: then the limits are of the one who is there. */
  shared?: {
    /** Of all owners; it is told to none of them. */
    all: Committed;
    /** The owner's own. */
    caps: Caps;
  };
}
