import { systemClock } from "../core/clock.ts";
import { LOCAL_OWNER } from "../core/owner.ts";
import { createRedact } from "../core/redact.ts";
import { HttpClient } from "../gateway/http-client.ts";
import type { MediaStore } from "../media/media-store.ts";
import { openMedia } from "../media/open-media.ts";
import type { Settings } from "../settings/settings.ts";
import { secretsOf } from "./secrets.ts";

/** Finished files, as a command uses them beside running servers. */
export interface CommandMedia {
  media: MediaStore;
  /** Ends its connections. */
  close(): Promise<void>;
}

/** Opens the store of finished files that the settings name. */
export async function openCommandMedia(settings: Settings): Promise<CommandMedia> {
  const http = new HttpClient(settings.proxies, createRedact(secretsOf(settings)));
  const options = { ...settings, homeOwner: LOCAL_OWNER };
  const media = await openMedia(options, { http, clock: systemClock });
  return { media, close: () => http.close() };
}

/** Does something with the store of finished files and closes it. */
export async function withCommandMedia<T>(
  settings: Settings,
  work: (media: MediaStore) => Promise<T>,
): Promise<T> {
  const { media, close } = await openCommandMedia(settings);
  try {
    return await work(media);
  } finally {
    await close();
  }
}
