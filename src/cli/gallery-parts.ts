import { systemClock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Redact } from "../core/redact.ts";
import type { GalleryParts } from "../gallery/visit.ts";
import type { JobEvents } from "../jobs/events.ts";
import { Thumbnails } from "../media/thumbnail.ts";
import type { Settings } from "../settings/settings.ts";
import { sentencesFor } from "../tools/whereabouts.ts";

/** What the gallery works with, of what is open. */
export function galleryParts(
  open: Pick<GalleryParts, "store" | "lineage" | "threads" | "media">,
  around: { settings: Settings; events: JobEvents; redact: Redact; log: Log },
): GalleryParts {
  const { settings, ...rest } = around;
  const { store, lineage, threads, media } = open;
  return {
    ...{ store, lineage, threads, media, ...rest },
    thumbnails: new Thumbnails(media),
    limits: settings.limits,
    sentencesFor: (caller) => sentencesFor(caller, settings),
    isSandbox: settings.sandbox,
    clock: systemClock,
  };
}
