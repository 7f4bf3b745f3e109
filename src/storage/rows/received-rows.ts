import * as z from "zod";
import type { ReceivedFile, Upload } from "../../inputs/upload-record.ts";
import { UPLOAD_KINDS } from "../../inputs/upload-type.ts";

const receivedRow = z.object({
  file: z.string(),
  kind: z.enum(UPLOAD_KINDS),
  mimeType: z.string(),
  extension: z.string(),
  sizeBytes: z.number(),
  sha256: z.string(),
  receivedAt: z.number(),
  keptUntil: z.number(),
});
const invitationRow = z.object({
  uploadId: z.string(),
  owner: z.string(),
  secretHash: z.string(),
  filename: z
    .string()
    .nullable()
    .transform((name) => name ?? undefined),
  createdAt: z.number(),
  endsAt: z.number(),
});

/** A row of `uploads`, whether or not a file has come. */
export function readUpload(row: unknown): Upload {
  const received = receivedRow.safeParse(row);
  return { ...invitationRow.parse(row), received: received.success ? received.data : undefined };
}

/** A row of `uploads` whose file has come. */
export function readReceived(row: unknown): Upload & { received: ReceivedFile } {
  return { ...invitationRow.parse(row), received: receivedRow.parse(row) };
}
