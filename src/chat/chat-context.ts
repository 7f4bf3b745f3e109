import type { Caps } from "../core/money.ts";
import type { LongcatClient } from "../gateway/longcat.ts";
import type { PerOwner } from "../gateway/per-owner.ts";
import type { Uploads } from "../inputs/uploads.ts";
import type { MoveContext } from "../jobs/job-context.ts";
import type { Places } from "../media/allowed-files.ts";
import type { MediaStore } from "../media/media-store.ts";
import type { Saving } from "../media/saving.ts";
import type { ThreadStore } from "./thread-store.ts";

/** What every part of a turn's life works with. */
export interface ChatContext extends MoveContext {
  client: PerOwner<LongcatClient>;
  threads: ThreadStore;
  media: MediaStore;
  saving: Saving;
  /** What all that is bought may cost; turns count where the platform prints their price. */
  caps: Caps;
  uploads: Pick<Uploads, "find">;
  /** Where turns are sent. */
  baseUrl: string;
  places: Places;
  defaultModel: string;
  /** Whether a thread's oldest turns may be left out where they no longer fit. */
  trimHistory: boolean;
}
