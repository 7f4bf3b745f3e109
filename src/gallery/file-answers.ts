import { AppError } from "../core/errors.ts";
import type { Medium, WholeJob } from "../jobs/job.ts";
import { THUMBNAIL_TYPE } from "../media/thumbnail.ts";
import { sendMedium } from "../public/send-medium.ts";
import { send } from "./page-replies.ts";
import type { Visit } from "./visit.ts";

/** What a browser shows by itself, and runs nothing of. */
const SHOWN = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"];

/** Answers with a picture in the size of a tile. @throws {not_found} */
export async function sendThumbnail(visit: Visit, job: WholeJob, index: string): Promise<void> {
  const { parts, caller, response } = visit;
  const { path } = mediumOf(job, index);
  const small = await parts.thumbnails.of(caller.owner, path);
  if (!small) throw noSuchFile();
  send(response, 200, THUMBNAIL_TYPE, small);
}

/** Answers with a picture as it is, to be shown. @throws {not_found} */
export async function sendPicture(visit: Visit, job: WholeJob, index: string): Promise<void> {
  const medium = mediumOf(job, index);
  // Of any other kind a browser makes a file to keep.
  await sendFileOf(visit, medium, !SHOWN.includes(medium.mimeType));
}

/** Answers with a file to keep. @throws {not_found} */
export async function sendDownload(visit: Visit, job: WholeJob, index: string): Promise<void> {
  await sendFileOf(visit, mediumOf(job, index), true);
}

async function sendFileOf(visit: Visit, medium: Medium, isKept: boolean): Promise<void> {
  const { parts, caller, request, response } = visit;
  const { media } = parts;
  const isThere = await sendMedium(request, response, media, caller.owner, medium, isKept);
  if (!isThere) throw noSuchFile();
}

function mediumOf({ media }: WholeJob, index: string): Medium {
  const medium = media.find((one) => String(one.index) === index);
  if (!medium) throw noSuchFile();
  return medium;
}

function noSuchFile(): AppError {
  return new AppError("not_found", "There is no such file, or not any more.");
}
