import { createInterface } from "node:readline";
import { systemClock } from "../core/clock.ts";
import { createLog } from "../core/log.ts";
import { createRedact } from "../core/redact.ts";
import { Gallery } from "../gallery/gallery-pages.ts";
import { JobEvents } from "../jobs/events.ts";
import type { Settings } from "../settings/settings.ts";
import { servePages } from "../transports/pages-listener.ts";
import { openInBrowser } from "./browser.ts";
import { openCommandMedia } from "./command-media.ts";
import { requireDataDir } from "./data-folder.ts";
import type { Ending } from "./ending.ts";
import { galleryParts } from "./gallery-parts.ts";
import { GalleryPlace } from "./gallery-place.ts";
import { secretsOf } from "./secrets.ts";
import { openRecord } from "./user-record.ts";

/** How soon it is seen what other processes have done to jobs. */
const WATCH_MS = 500;

/**
 * Serves the gallery of this machine's user until it is ended. It looks at the record beside
 * whatever else runs on it; it follows no job and sends nothing to any provider.
 */
export async function runGallery(
  settings: Settings,
  wishes: { isOpened: boolean },
  ending: Ending,
): Promise<void> {
  requireDataDir(settings.dataDir);
  const redact = createRedact(secretsOf(settings));
  const log = createLog(settings.logLevel, redact, (line) => process.stderr.write(line));
  const onError = (error: unknown) => log.warn({ err: error }, "the gallery");
  const stores = await openRecord(settings);
  const { jobs: store, lineage, threads } = stores;
  const events = new JobEvents();
  const stopping = new AbortController();
  const files = await openCommandMedia(settings);
  const parts = galleryParts(
    {
      store,
      lineage,
      threads,
      media: files.media,
    },
    { settings, events, redact, log },
  );
  const gallery = new Gallery({
    parts: async () => parts,
    clock: systemClock,
    stopping: stopping.signal,
  });
  const place = new GalleryPlace({
    gallery,
    serve: () => servePages(gallery, { port: settings.port ?? 0, clock: systemClock, onError }),
    // Whoever can start this command can read the record.
    isOpen: async () => true,
    browse: (url) => openInBrowser(url),
    onError,
  });
  const watch = async () => {
    for (const job of await store.changes()) events.publish(job);
    for (const deleted of await store.deletions()) events.publishDeletion(deleted);
  };
  const watching = setInterval(() => void watch().catch(onError), WATCH_MS);
  ending.closeWith(async () => {
    clearInterval(watching);
    stopping.abort();
    await place.close();
    await files.close();
    await stores.close();
  });
  ending.onSignals();
  await show(place, wishes.isOpened);
  if (process.stdin.isTTY) {
    process.stderr.write("Enter prints another link, Ctrl+C ends the gallery.\n");
    createInterface({ input: process.stdin }).on("line", () => void show(place, false));
  }
}

async function show(place: GalleryPlace, isOpened: boolean): Promise<void> {
  const link = await place.link();
  process.stderr.write("The gallery is open. This link lets you in, once and within 10 minutes:\n");
  process.stdout.write(`${link}\n`);
  if (isOpened && !(await openInBrowser(link))) {
    process.stderr.write("No browser could be started: open the link yourself.\n");
  }
}
