import { AppError } from "../core/errors.ts";
import type { MediaStore } from "../media/media-store.ts";
import { everyRow, keysOf, type MoveParts } from "./move.ts";
import type { MoveSource } from "./move-ends.ts";
import { refsIn } from "./moved-files.ts";
import { MOVED_TABLES, type MovedTable } from "./moved-tables.ts";

const AT_ONCE = 500;

/**
 * Takes back what a move has brought, from wherever an earlier try has come to. What only grows
 * stays: the audit log tells what has been, there as well.
 * @param files where the copies are, if files were copied.
 * @throws {invalid_input} once jobs have been followed or made there: they would be bought again
 */
export async function takeBack(
  { source, target, localOwner }: MoveParts,
  files: Pick<MediaStore, "delete"> | undefined,
): Promise<void> {
  const move = await target.move(source.id);
  if (!move || move.state === "undone") return;
  const ofTable = (name: string) => MOVED_TABLES.filter((table) => table.name === name);
  const jobIds = ofTable("jobs").flatMap((table) => keysOf(source, table));
  const owners = source.owners().map((one) => (one === localOwner ? move.localOwner : one));
  if (move.state !== "leaving" && !(await target.beginLeaving(source.id, jobIds, owners))) {
    throw new AppError(
      "invalid_input",
      `Jobs have been followed, made or deleted at ${target.shown} since they moved there: to go back would lose that, or buy again.`,
      { next: "Go on with that database; nothing was changed, here or there." },
    );
  }
  const own = new Set(ofTable("jobs").flatMap((table) => refsOf(source, table)));
  for (let from = 0; files && move.hasFiles && from < jobIds.length; from += AT_ONCE) {
    for (const { owner, ref } of await target.filesOf(jobIds.slice(from, from + AT_ONCE))) {
      // What has not been copied lies where it did.
      if (!own.has(ref)) await files.delete(owner, ref);
    }
  }
  for (const table of MOVED_TABLES.toReversed()) {
    if (table.onlyGrows) continue;
    const keys = keysOf(source, table);
    for (let from = 0; from < keys.length; from += AT_ONCE) {
      await target.remove(table, keys.slice(from, from + AT_ONCE));
    }
  }
  await target.noteUndone(source.id);
}

function refsOf(source: MoveSource, jobs: MovedTable): string[] {
  const parts = ["settled", "under way"] as const;
  const rows = parts.flatMap((part) => [...everyRow(source, jobs, part)].flat());
  return rows.flatMap(({ row }) => refsIn(String(row["media"])));
}
