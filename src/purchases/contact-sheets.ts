import { isFinal, type Medium, type WholeJob } from "../jobs/job.ts";
import { type MadeFile, withMade } from "../jobs/made-files.ts";
import { contactSheet } from "../media/contact-sheet.ts";
import { type PictureSource, readHeader } from "../media/decoder.ts";
import { type KeepOptions, pictureSource } from "../media/media-store.ts";
import { pictureFacts } from "../media/preview.ts";
import { namingOf } from "./fetcher.ts";
import type { PurchaseContext } from "./purchase-context.ts";

/** A sheet with more is not legible. */
export const MAX_ON_SHEET = 100;

export type SheetContext = Pick<
  PurchaseContext,
  "store" | "media" | "events" | "clock" | "log" | "lettering"
>;

export interface Sheet {
  source: PictureSource;
  /** Where it is kept, if it is. */
  path: string | undefined;
}

/**
 * All pictures of a job as one, numbered like its files: made once, by whoever first needs it, and
 * kept beside the files once they are all there.
 */
export async function sheetOf(context: SheetContext, job: WholeJob): Promise<Sheet> {
  const earlier = job.media.find(({ role }) => role === "sheet");
  const kept = earlier && (await keptSheet(context, job.owner, earlier));
  if (kept) return kept;
  const { png, isWhole } = await drawSheet(context, job.owner, picturesOf(job));
  const path = isWhole && isFinal(job.state) ? await keep(context, job, png, earlier) : undefined;
  return { source: png, path };
}

/** Draws pictures of an owner's. What is not there has an empty place, and the sheet is not whole. */
export async function drawSheet(
  { media, lettering }: SheetContext,
  owner: string,
  pictures: readonly Medium[],
): Promise<{ png: Buffer; isWhole: boolean }> {
  const shown = await Promise.all(
    pictures.slice(0, MAX_ON_SHEET).map(async (medium) => ({
      label: labelOf(medium),
      source: (await media.stat(owner, medium.path))
        ? await pictureSource(media, owner, medium.path).catch(() => undefined)
        : undefined,
    })),
  );
  return {
    png: await contactSheet(shown, await lettering.get()),
    isWhole: shown.every(({ source }) => source !== undefined),
  };
}

/** @returns `undefined` for one that is lost or no picture any more. */
async function keptSheet(
  { media }: SheetContext,
  owner: string,
  { path }: Medium,
): Promise<Sheet | undefined> {
  if (!(await media.stat(owner, path))) return undefined;
  try {
    const source = await pictureSource(media, owner, path);
    await readHeader(source);
    return { source, path };
  } catch {
    return undefined;
  }
}

/** @returns where it is kept: by somebody else, if that was faster; nowhere, if it cannot be. */
async function keep(
  { store, media, events, clock, log }: SheetContext,
  job: WholeJob,
  png: Buffer,
  lost: Medium | undefined,
): Promise<string | undefined> {
  const { owner, jobId } = job;
  let own: string | undefined;
  try {
    const made = await keepSheet(media, job, png, { once: true });
    own = made.path;
    const change = (files: readonly Medium[]) => withMade(files, made, lost?.path);
    const amended = await store.amendMedia(owner, jobId, change, clock.now());
    const path = amended.media.find(({ role }) => role === "sheet")?.path;
    if (path === own) events.publish(amended);
    else await media.delete(owner, own);
    return path;
  } catch (error) {
    log.warn({ job: jobId, err: error }, "a contact sheet was not kept");
    if (own !== undefined) await media.letGo(owner, own).catch(() => undefined);
    return undefined;
  }
}

/** Keeps a drawn sheet beside a job's files. @throws {storage} */
export async function keepSheet(
  media: PurchaseContext["media"],
  job: WholeJob,
  png: Buffer,
  how?: KeepOptions,
): Promise<MadeFile> {
  const naming = { ...namingOf(job, "sheet"), extension: "png" };
  const { ref, ...kept } = await media.put(png, naming, how);
  const facts = await pictureFacts(png);
  return {
    role: "sheet",
    url: "",
    path: ref,
    mimeType: "image/png",
    ...facts,
    ...kept,
    copies: [],
  };
}

/** What a job's sheet shows: its own pictures, and layers laid over each other. */
export function picturesOf({ media }: Pick<WholeJob, "media">): Medium[] {
  return media.filter(
    ({ role, mimeType }) =>
      (role === undefined || role === "composite") && mimeType.startsWith("image/"),
  );
}

function labelOf({ index, role }: Medium): string {
  return role === "composite" ? `${index} all layers` : String(index);
}
