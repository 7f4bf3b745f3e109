import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { sendFile } from "../inputs/hosted-reply.ts";
import type { Medium } from "../jobs/job.ts";
import { type MediaStore, nameOf } from "../media/media-store.ts";
import { asAttachment } from "./attachment.ts";

/**
 * Answers with a finished file, whole or a range of it.
 * @param isKept whether a browser is to keep it under its name, in place of showing it.
 * @returns whether it is there; where not, nothing was answered.
 */
export async function sendMedium(
  request: IncomingMessage,
  response: ServerResponse,
  media: Pick<MediaStore, "open" | "stat">,
  owner: string,
  medium: Medium,
  isKept: boolean,
): Promise<boolean> {
  const found = await media.stat(owner, medium.path);
  if (!found) return false;
  if (isKept) response.setHeader("content-disposition", asAttachment(nameOf(medium.path)));
  await sendFile(request, response, {
    sizeBytes: found.sizeBytes,
    mimeType: medium.mimeType,
    etag: etagOf(medium.sha256),
    read: (range) => media.open(owner, medium.path, range),
    close: async () => {},
  });
  return true;
}

/** A strong tag for whatever a text tells from all else. */
export function etagOf(text: string): string {
  return `"${createHash("sha256").update(text).digest("hex").slice(0, 32)}"`;
}
