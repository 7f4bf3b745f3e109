import type { IncomingMessage, ServerResponse } from "node:http";
import type { ThreadStore } from "../chat/thread-store.ts";
import type { Caller } from "../core/caller.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Limits } from "../core/money.ts";
import type { Redact } from "../core/redact.ts";
import type { JobEvents } from "../jobs/events.ts";
import type { JobStore } from "../jobs/job-store.ts";
import type { LineageRecord } from "../jobs/lineage.ts";
import type { MediaStore } from "../media/media-store.ts";
import type { Thumbnails } from "../media/thumbnail.ts";
import type { Whereabouts } from "../tools/whereabouts.ts";
import type { Session } from "./gallery-sessions.ts";

/** What the gallery shows, and works with. */
export interface GalleryParts {
  store: JobStore;
  lineage: LineageRecord;
  threads: ThreadStore;
  media: MediaStore;
  thumbnails: Thumbnails;
  events: JobEvents;
  limits: Limits;
  /** Takes our keys out of what is shown of others' words. */
  redact: Redact;
  /** Sentences of ours as somebody may read them: elsewhere, no place of this machine is told. */
  sentencesFor: (caller: Caller) => Pick<Whereabouts, "say" | "nameOf">;
  isSandbox: boolean;
  clock: Clock;
  log: Log;
}

/** One request of somebody who was let in. */
export interface Visit {
  request: IncomingMessage;
  response: ServerResponse;
  /** Without a query, nothing decoded. */
  path: string;
  query: URLSearchParams;
  session: Session;
  caller: Caller;
  parts: GalleryParts;
  /** Says that the answer goes on until somebody ends it. */
  isStream: () => void;
}
