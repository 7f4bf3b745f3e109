import { createHash } from "node:crypto";
import { AppError } from "../core/errors.ts";
import { PUBLIC_PORT_UNSET } from "../core/public-port.ts";
import { byteCount } from "../core/text.ts";
import { OPERATIONS } from "../models/catalogue.ts";
import { MAX_INLINE_BYTES } from "../models/limits.ts";
import type { FileField } from "../models/operation.ts";
import { type CheckedPicture, shrinkPicture } from "./checked-picture.ts";
import type { Hosting } from "./hosting.ts";
import type { StagedFile } from "./hosting-record.ts";

/** For whom files are handed over, and how. */
export interface HandOverOptions {
  owner: string;
  /** Where those are written down that the provider fetches here. */
  hosting: Hosting;
  /** Whether pictures that are too large for a request may be made smaller. */
  mayShrink: boolean;
}

/** How one file of a caller reaches the provider. */
export interface HandedOver {
  /** What the operation is sent. */
  value: string;
  /** The file by what it holds. */
  identity: string;
  staged?: StagedFile;
  /** What was found of it, and its way to the provider, in a few words. */
  found: string;
  notes: string[];
}

/**
 * Puts a picture where the operation finds it: into the request where that takes it, and behind an
 * address of this server otherwise.
 * @throws {invalid_input} when this server has no address, or the picture is too large.
 */
export async function handOver(
  field: FileField,
  picture: CheckedPicture,
  origin: "data" | "path",
  { owner, hosting, mayShrink }: HandOverOptions,
): Promise<HandedOver> {
  const identity = `sha256:${createHash("sha256").update(picture.bytes).digest("hex")}`;
  const travelsInline =
    field.dataUris === "documented" || (field.dataUris === "unpromised" && origin === "data");
  const isTooLarge = picture.bytes.length > MAX_INLINE_BYTES;
  if (travelsInline && (!isTooLarge || mayShrink)) {
    const sent = isTooLarge ? await shrinkPicture(picture, MAX_INLINE_BYTES, field.name) : picture;
    const value = `data:${sent.mimeType};base64,${sent.bytes.toString("base64")}`;
    return { value, identity, found: `${measured(sent)}, in the request`, notes: sent.notes };
  }
  await hosting.requireAddress(
    travelsInline ? tooLarge(field, picture.bytes.length) : needsAddress(field),
  );
  const staged = await hosting.stage(owner, picture.bytes, picture.extension);
  const found = `${measured(picture)}, ${hosting.served}`;
  return { value: staged.url, identity, staged, found, notes: picture.notes };
}

function measured({ bytes, extension, width, height }: CheckedPicture): string {
  return `${extension.toUpperCase()}, ${width}×${height}, ${byteCount(bytes.length)}`;
}

/** The operation that takes pictures' bytes in the request, as the documents promise. */
function inlineOperation(): string {
  const found = OPERATIONS.find((operation) =>
    operation.files.some((field) => field.kind === "picture" && field.dataUris === "documented"),
  );
  return found ? `\`${found.name}\`` : "an operation";
}

/** The settings that give this server a public address. */
const ADDRESS_ADVICE = `set LONGCAT_MCP_PUBLIC_URL to the address of a tunnel that leads to this server's public port (LONGCAT_MCP_PUBLIC_PORT, needed on stdio; by default ${PUBLIC_PORT_UNSET})`;

/** The error of a local file that only an address could bring to the provider. */
export function needsAddress(field: FileField): AppError {
  const alternative =
    field.kind === "picture"
      ? `, or use ${inlineOperation()}, which takes local files as they are`
      : "";
  return new AppError(
    "invalid_input",
    `\`${field.name}\`: the provider fetches this file itself, so a local one needs a public address, and this server has none.`,
    { next: `Give a public https URL${alternative}; or ${ADDRESS_ADVICE}.` },
  );
}

function tooLarge(field: FileField, sizeBytes: number): AppError {
  return new AppError(
    "invalid_input",
    `\`${field.name}\`: the picture has ${byteCount(sizeBytes)}, more than the ${byteCount(MAX_INLINE_BYTES)} that are sent inside a request.`,
    {
      next: `Make it smaller, let this server do so with LONGCAT_MCP_SHRINK_INPUTS=on, or ${ADDRESS_ADVICE}.`,
    },
  );
}
