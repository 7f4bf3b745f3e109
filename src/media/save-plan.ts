import { extname } from "node:path";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { type Conversion, FORMATS, formatOf, type PictureFormat } from "./conversion.ts";
import { endingProblem, HARMLESS_TEXTS } from "./file-names.ts";
import { isHarmlessEnding } from "./harmless.ts";
import { type MediaRef, nameOf } from "./media-store.ts";
import type { SavePlace } from "./save-place.ts";

/** A finished file that is to be saved. */
export interface SavedMedium {
  ref: MediaRef;
  mimeType: string;
  width?: number | undefined;
  height?: number | undefined;
}

/** What of a place counts for what becomes of a file there. */
type PlanPlace = Pick<SavePlace, "extension" | "isForResultsOnly">;

/** How files are wanted; as they are when nothing is said. */
export interface SaveWishes {
  format?: PictureFormat | undefined;
  maxSide?: number | undefined;
  quality?: number | undefined;
}

/** What becomes of one file. */
export interface SavePlan {
  ref: MediaRef;
  /** Without the dot. */
  extension: string;
  conversion?: Conversion;
}

/** A file as it is, under the ending of what it is. @throws {invalid_input} */
export function plainPlan(
  ref: MediaRef,
  { isForResultsOnly }: Pick<SavePlace, "isForResultsOnly">,
): SavePlan {
  return allowed({ ref, extension: extname(nameOf(ref)).slice(1) }, isForResultsOnly);
}

/**
 * What is to be made of a file so that it is as somebody wants it: an ending that was given with a
 * name counts as a wish, where none was uttered.
 * @throws {invalid_input} for what cannot be
 */
export function planOf(medium: SavedMedium, place: PlanPlace, wishes: SaveWishes): SavePlan {
  const { ref, mimeType } = medium;
  if (mimeType.startsWith("image/")) {
    return allowed(picturePlan(medium, place, wishes), place.isForResultsOnly);
  }
  const named = Object.entries({
    format: wishes.format,
    max_side: wishes.maxSide,
    quality: wishes.quality,
  });
  const [asked] = named.filter(([, value]) => value !== undefined).map(([name]) => name);
  if (asked !== undefined) {
    throw refused(
      `\`${asked}\` is for pictures; ${shown(ref)} is none (${oneLine(mimeType, 60)}).`,
      "Save it without `format`, `max_side` and `quality`.",
    );
  }
  return mimeType.startsWith("text/") ? textPlan(medium, place) : plainPlan(ref, place);
}

function picturePlan(
  { ref, width, height }: SavedMedium,
  { extension: given }: PlanPlace,
  { format, maxSide, quality }: SaveWishes,
): SavePlan {
  const own = extname(nameOf(ref)).slice(1);
  const ownFormat = formatOf(own);
  const wanted = format ?? (given === undefined ? undefined : formatOf(given));
  if (wanted === undefined && given !== undefined && !isSameType(given, own)) {
    throw refused(
      `${shown(ref)} cannot become a .${oneLine(given, 20)}.`,
      `End the name with .${FORMATS.join(", .")}, or give a folder.`,
    );
  }
  const target = wanted ?? ownFormat;
  const isAsked = maxSide !== undefined || quality !== undefined;
  if (target === undefined) {
    if (!isAsked) return { ref, extension: given ?? own };
    throw refused(
      `${shown(ref)} is converted with a \`format\` only.`,
      `Give \`format\`: ${FORMATS.join(", ")}.`,
    );
  }
  if (quality !== undefined && target === "png") {
    throw refused(
      "`quality` is not for png, which loses nothing.",
      "Leave it out, or give `format`: jpeg or webp.",
    );
  }
  const extension =
    given !== undefined && formatOf(given) === target ? given : target === "jpeg" ? "jpg" : target;
  const isSmall = maxSide === undefined || isWithin(maxSide, width, height);
  if (target === ownFormat && quality === undefined && isSmall) return { ref, extension };
  return { ref, extension, conversion: { format: target, maxSide, quality } };
}

function isWithin(maxSide: number, width: number | undefined, height: number | undefined): boolean {
  return width !== undefined && height !== undefined && Math.max(width, height) <= maxSide;
}

function isSameType(given: string, own: string): boolean {
  const plain = (extension: string) => extension.toLowerCase().replace(/^tiff$/, "tif");
  return plain(given) === plain(own);
}

/** A text's ending is the caller's choice, among those that are none of a picture. */
function textPlan(
  { ref }: SavedMedium,
  { extension: given, isForResultsOnly }: PlanPlace,
): SavePlan {
  const extension = given ?? extname(nameOf(ref)).slice(1);
  const problem = endingProblem(`answer.${extension}`, "text", isForResultsOnly);
  if (problem === undefined) return { ref, extension };
  throw refused(
    `the answer ${problem}.`,
    `Name the file, with .${HARMLESS_TEXTS.join(", .")} at its end.`,
  );
}

/** @throws {invalid_input} for what may not lie where only results may. */
function allowed(plan: SavePlan, isForResultsOnly: boolean): SavePlan {
  if (!isForResultsOnly || isHarmlessEnding(plan.extension)) return plan;
  throw refused(
    `${shown(plan.ref)} is a .${oneLine(plan.extension, 20)}, and only pictures, weights and answers are saved there.`,
    "Save it in another of the allowed folders.",
  );
}

function shown(ref: MediaRef): string {
  return oneLine(nameOf(ref), 120);
}

function refused(message: string, next: string): AppError {
  return new AppError("invalid_input", message.charAt(0).toUpperCase() + message.slice(1), {
    next: `${next} Nothing was saved.`,
  });
}
