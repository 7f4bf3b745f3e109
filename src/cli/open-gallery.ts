import type { Authenticator } from "../access/authenticator.ts";
import { MINUTE_MS, systemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { Lazy } from "../core/lazy.ts";
import type { Log } from "../core/log.ts";
import type { Redact } from "../core/redact.ts";
import { Gallery } from "../gallery/gallery-pages.ts";
import type { GalleryParts } from "../gallery/visit.ts";
import type { JobEvents } from "../jobs/events.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Settings } from "../settings/settings.ts";
import { servePages } from "../transports/pages-listener.ts";
import { openInBrowser } from "./browser.ts";
import { galleryParts } from "./gallery-parts.ts";
import { GalleryPlace } from "./gallery-place.ts";

/** Longer than the link of a page lasts: who comes late finds at least a page that says so. */
const IDLE_MS = 30 * MINUTE_MS;

/** What the gallery of a running server is made of. */
export interface GalleryAround {
  settings: Settings;
  events: JobEvents;
  redact: Redact;
  log: Log;
  services: Pick<Lazy<Runtime>, "get">;
  stopping: AbortSignal;
}

/** The gallery of a running server. @param authenticator of users, where they may come. */
export function openGallery(around: GalleryAround, authenticator?: Authenticator): Gallery {
  const { services, settings, stopping } = around;
  let parts: GalleryParts | undefined;
  return new Gallery({
    parts: async () => {
      parts ??= galleryParts(await services.get(), around);
      return parts;
    },
    clock: systemClock,
    authenticator,
    ...(settings.database && { visits: { record: () => sharedVisits(services) } }),
    stopping,
  });
}

async function sharedVisits(services: GalleryAround["services"]) {
  const { visits } = await services.get();
  if (visits) return visits;
  throw new AppError("internal", "The record has no visits.");
}

/** Where that gallery is on the port that serves MCP as well. */
export function placeOnServer(
  gallery: Gallery,
  url: string,
  authenticator: Authenticator,
  onError: (error: unknown) => void,
): GalleryPlace {
  return new GalleryPlace({
    gallery,
    serve: async () => ({ origin: new URL(url).origin, close: async () => {} }),
    isOpen: async () => !(await authenticator.isClosed()),
    browse: (url) => openInBrowser(url),
    onError,
  });
}

/** Where it is beside a server that speaks on stdio: on a port that is opened with its first page. */
export function placeOfItsOwn(
  around: GalleryAround,
  onError: (error: unknown) => void,
): GalleryPlace {
  const gallery = openGallery(around);
  return new GalleryPlace({
    gallery,
    serve: (onIdle) =>
      servePages(gallery, { port: 0, clock: systemClock, onError, idleMs: IDLE_MS, onIdle }),
    // Whoever started the program speaks with it.
    isOpen: async () => true,
    browse: (url) => openInBrowser(url),
    onError,
  });
}
