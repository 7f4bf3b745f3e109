import { join } from "node:path";
import type { BucketPlace } from "../core/bucket-address.ts";
import type { Clock } from "../core/clock.ts";
import { isLocalHost } from "../core/host-addresses.ts";
import type { HttpClient } from "../gateway/http-client.ts";
import { DiskStore, type DiskStoreOptions } from "./disk-store.ts";
import type { MediaStore } from "./media-store.ts";

/** Unfinished files, where finished ones lie elsewhere; inside the data folder. */
const DRAFTS_FOLDER = "drafts";

export interface MediaOptions extends DiskStoreOptions {
  /** Where finished files are kept; on this disk where it is absent. */
  mediaBucket: BucketPlace | undefined;
  dataDir: string;
  /** Where callers elsewhere find this server, if anywhere. */
  publicUrl: string | undefined;
}

/** The store of finished files that the settings name. What a bucket needs is loaded only for one. */
export async function openMedia(
  options: MediaOptions,
  { http, clock }: { http: HttpClient; clock: Clock },
): Promise<MediaStore> {
  const disk = new DiskStore(options);
  const { mediaBucket, dataDir, homeOwner, keepPrompts, publicUrl } = options;
  if (!mediaBucket) return disk;
  const [{ BucketClient }, { BucketStore }, { MediaWithEarlier }] = await Promise.all([
    import("../gateway/bucket-client.ts"),
    import("./bucket-store.ts"),
    import("./media-with-earlier.ts"),
  ]);
  const bucket = new BucketStore({
    client: new BucketClient({ http, clock, ...mediaBucket }),
    clock,
    draftsDir: join(dataDir, DRAFTS_FOLDER),
    homeOwner,
    ...(keepPrompts === undefined ? {} : { keepPrompts }),
    hasLinks: isFoundBy(publicUrl, mediaBucket.address.publicEndpoint),
  });
  return new MediaWithEarlier(bucket, disk);
}

/** Whether whoever finds this server finds the bucket as well, as far as names tell. */
function isFoundBy(publicUrl: string | undefined, endpoint: string): boolean {
  const isNear = (url: string) => isLocalHost(new URL(url).hostname);
  return !isNear(endpoint) || publicUrl === undefined || isNear(publicUrl);
}
