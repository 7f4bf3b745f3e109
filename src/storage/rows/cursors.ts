import * as z from "zod";
import { AppError } from "../../core/errors.ts";

/** Above the number of every row. */
export const ALL = Number.MAX_SAFE_INTEGER;

export const sequenceRow = z.object({ seq: z.number() });

/** A cursor for what comes after a row, in a list that has the newest first. */
export function pageCursor(seq: number): string {
  return `before-${seq}`;
}

/** @returns the number below which a page begins. @throws {invalid_input} for none of ours. */
export function readCursor(cursor: string | undefined): number {
  if (cursor === undefined) return ALL;
  const seq = /^before-(\d{1,15})$/.exec(cursor)?.[1];
  if (seq === undefined) {
    throw new AppError("invalid_input", "`cursor` must be the `next_cursor` of a previous page.");
  }
  return Number(seq);
}
