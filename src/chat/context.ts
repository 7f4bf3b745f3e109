import type { LongcatClient } from "../gateway/longcat.ts";
import type { MoveContext } from "../jobs/context.ts";
import type { Places } from "../media/allowed-files.ts";
import type { Library } from "../media/disk-store.ts";
import type { ThreadStore } from "./thread-store.ts";

/** What every part of a turn's life works with. */
export interface ChatContext extends MoveContext {
  client: LongcatClient;
  threads: ThreadStore;
  library: Library;
  /** Where turns are sent. */
  baseUrl: string;
  places: Places;
  defaultModel: string;
  /** Whether a thread's oldest turns may be left out where they no longer fit. */
  trimHistory: boolean;
}
