import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { HostedFolder } from "../inputs/hosted-folder.ts";
import type { UploadRecord } from "../inputs/upload-record.ts";
import { UPLOADS_FOLDER, type UploadLimits, type UploadPoint, Uploads } from "../inputs/uploads.ts";
import type { JobStore } from "../jobs/job-store.ts";
import { quotaRefusal } from "../jobs/quotas.ts";
import type { MediaStore } from "../media/media-store.ts";
import { checkFree } from "../media/placing.ts";
import { DownloadLinks } from "./download-links.ts";
import { DownloadRoute } from "./download-route.ts";
import { type PublicPort, publicBase } from "./public-base.ts";
import { UploadRoute } from "./upload-route.ts";

/** What is public works with. */
export interface PublicParts {
  store: JobStore;
  media: MediaStore;
  record: UploadRecord;
  port: PublicPort;
  publicUrl: string | undefined;
  /** Whether the provider is on this machine, and callers with it. */
  isProviderHere: boolean;
  dataDir: string;
  limits: UploadLimits;
  linkHours: number;
  /** The most bytes that are kept of one of several users. */
  keptBytes: number | undefined;
  /** Whether what belongs to an owner may be given out. */
  mayCall(owner: string): Promise<boolean>;
  holder: string;
  isGone: (holder: string) => boolean;
  clock: Clock;
  log: Log;
  reached: (point: UploadPoint) => void;
}

/** Links to finished files, and uploads, with what answers at their addresses. */
export async function openPublic(parts: PublicParts) {
  const { store, media, record, clock, log, mayCall, isGone, reached, keptBytes } = parts;
  const base = () => publicBase(parts.port, parts.publicUrl, parts.isProviderHere);
  const links = new DownloadLinks({
    key: Buffer.from(await store.digest("the key of download links"), "hex"),
    hours: parts.linkHours,
    clock,
    base,
    async ownerOf(jobId) {
      const owner = await store.ownerOf(jobId);
      return owner !== undefined && (await mayCall(owner)) ? owner : undefined;
    },
  });
  const uploads = new Uploads({
    folder: new HostedFolder(join(parts.dataDir, UPLOADS_FOLDER), parts.holder),
    record,
    limits: parts.limits,
    clock,
    log,
    isGone,
    base,
    mayCall,
    async checkRoom(owner, bytes) {
      await checkFree(parts.dataDir, bytes, "set LONGCAT_MCP_DATA_DIR");
      const held = await store.held(owner);
      const kept = { ...held, keptBytes: held.keptBytes + (await record.usedBytes(owner)) + bytes };
      const refusal = quotaRefusal(kept, { runningJobs: undefined, keptBytes });
      if (refusal) throw refusal;
      return keptBytes === undefined ? undefined : keptBytes - held.keptBytes;
    },
    reached,
  });
  await uploads.open();
  const downloads = new DownloadRoute({ links, store, media });
  return { links, uploads, downloads, uploading: new UploadRoute({ uploads, clock }) };
}
