import type { ContentBlock } from "@modelcontextprotocol/server";
import * as z from "zod";
import { AppError, toAppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { uris } from "../core/uris.ts";
import type { Medium, WholeJob } from "../jobs/job.ts";
import type { PictureSource } from "../media/decoder.ts";
import { type MediaStore, pictureSource } from "../media/media-store.ts";
import {
  fullPreview,
  makePreviews,
  PREVIEW_BUDGET_BASE64,
  type Preview,
  whyNoPreview,
} from "../media/preview.ts";
import { operationNamed } from "../models/catalogue.ts";
import { MAX_ON_SHEET, picturesOf, type Sheet } from "../purchases/contact-sheets.ts";
import { someOf } from "./some-of.ts";
import type { Whereabouts } from "./whereabouts.ts";

/** More than these come as one sheet, unless each is asked for. */
const MAX_APART = 4;
/** How many pictures one answer shows, each by itself. */
const MAX_PREVIEWS = 8;

export const PREVIEW_WISHES = ["on", "off", "sheet"] as const;
export type PreviewWish = (typeof PREVIEW_WISHES)[number];

/** What a call may say about the pictures in its answer. */
export const previewWish = () => z.enum(PREVIEW_WISHES).optional();

export interface ShowingOptions {
  media: MediaStore;
  /** The setting: what is shown where a call says nothing. */
  previews: "off" | "on" | "full";
  /** What the call says. */
  wish?: PreviewWish | undefined;
  /** Its connection has been given this result before, and looks again. */
  isSecondLook?: boolean | undefined;
  sheetOf: (job: WholeJob) => Promise<Sheet>;
  /** What a file is called in a sentence. */
  where: Pick<Whereabouts, "nameOf">;
}

export interface ShownPictures {
  blocks: ContentBlock[];
  notes: string[];
}

/** The pictures of a job as an assistant sees them, and what is to be said about those it does not. */
export async function shownPictures(
  job: WholeJob,
  there: readonly Medium[],
  options: ShowingOptions,
): Promise<ShownPictures> {
  const kind = operationNamed(job.operation)?.media;
  const all = kind === "weights" ? [] : picturesOf({ media: [...there] });
  switch (mannerOf(all, kind === "layers", options)) {
    case "none":
      return { blocks: [], notes: [] };
    case "again":
      return {
        blocks: [],
        notes: ['Pictures as before: `previews: "on"` or `"sheet"` shows them.'],
      };
    case "sheet":
      return (await onSheet(job, there, options)) ?? apart(job, all, options);
    case "apart":
      return apart(job, all, options);
  }
}

function mannerOf(
  all: readonly Medium[],
  areLayers: boolean,
  { previews, wish, isSecondLook }: ShowingOptions,
): "none" | "again" | "apart" | "sheet" {
  if (all.length === 0 || wish === "off") return "none";
  if (wish === "on") return "apart";
  const canBeSheet = all.length > 1 && all.some(({ width }) => width !== undefined);
  if (wish === "sheet") return canBeSheet ? "sheet" : "apart";
  if (previews === "off") return "none";
  if (isSecondLook) return "again";
  return canBeSheet && (areLayers || all.length > MAX_APART) ? "sheet" : "apart";
}

/** All pictures in one block. @returns `undefined` where no sheet can be made or shown. */
async function onSheet(
  job: WholeJob,
  there: readonly Medium[],
  { sheetOf, where }: ShowingOptions,
): Promise<ShownPictures | undefined> {
  const sheet = await sheetOf(job).catch(() => undefined);
  const [preview] = sheet ? await makePreviews([sheet.source], PREVIEW_BUDGET_BASE64) : [];
  if (!sheet || !preview) return undefined;
  const all = picturesOf({ media: [...there] });
  const isListed = there.some(({ path }) => path === sheet.path);
  const kept = sheet.path === undefined || isListed ? "" : `: ${oneLine(where.nameOf(sheet.path))}`;
  const some = all.length > MAX_ON_SHEET ? `The first ${MAX_ON_SHEET}` : "All";
  const unseen = all.filter(({ width }) => width === undefined);
  return {
    blocks: [imageBlock(preview)],
    notes: [
      `${some} pictures are shown on one sheet, numbered as in the list${kept}`,
      ...unseen.map(
        ({ path }) =>
          `${oneLine(where.nameOf(path))} is not shown: it cannot be read as a picture.`,
      ),
    ],
  };
}

/** One picture block per picture that can be shown, and why the others are not. */
async function apart(
  job: WholeJob,
  all: readonly Medium[],
  { previews: mode, media: store, where }: ShowingOptions,
): Promise<ShownPictures> {
  const pictures = someOf(all, MAX_PREVIEWS);
  const share = Math.floor(PREVIEW_BUDGET_BASE64 / pictures.length);
  const full = await Promise.all(
    pictures.map(({ path, mimeType }) =>
      mode === "full"
        ? fullPreview(store, { owner: job.owner, ref: path, mimeType }, share)
        : undefined,
    ),
  );
  const sources = await Promise.all(
    pictures.map(({ path }) => pictureSource(store, job.owner, path).catch(toAppError)),
  );
  const toShrink = sources.flatMap((source, position): PictureSource[] =>
    full[position] !== undefined || source instanceof AppError ? [] : [source],
  );
  const small = await makePreviews(toShrink, share * toShrink.length);
  const made = await Promise.all(
    pictures.map(async ({ path }, position): Promise<ContentBlock | string> => {
      const source = sources[position] ?? path;
      const name = oneLine(where.nameOf(path));
      if (source instanceof AppError) return `${name} is not shown: ${source.message}`;
      const preview = full[position] ?? small.shift();
      return preview ? imageBlock(preview) : `${name} is not shown: ${await whyNoPreview(source)}.`;
    }),
  );
  return {
    blocks: made.filter((one) => typeof one !== "string"),
    notes: [
      ...(all.length > pictures.length ? [unshownNote(job, pictures.length, all.length)] : []),
      ...made.filter((one) => typeof one === "string"),
    ],
  };
}

function imageBlock({ data, mimeType }: Preview): ContentBlock {
  return { type: "image", data: data.toString("base64"), mimeType };
}

function unshownNote({ jobId }: WholeJob, shown: number, all: number): string {
  return `${shown} of the ${all} pictures are shown here; each is at its own ${uris.preview(jobId, 1)} (with its number for the 1), and \`previews: "sheet"\` shows all.`;
}
