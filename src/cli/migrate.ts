import { systemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { clearMovedMark, movedMark, setMovedMark } from "../core/moved-mark.ts";
import { LOCAL_OWNER } from "../core/owner.ts";
import { oneLine } from "../core/text.ts";
import { DiskStore } from "../media/disk-store.ts";
import type { MediaStore } from "../media/media-store.ts";
import { beginning } from "../moving/beginning.ts";
import { compareMoved, copyRecord, type MovedSum } from "../moving/move.ts";
import type { Move, MoveSource, MoveTarget } from "../moving/move-ends.ts";
import { type FilesEnds, MovedFiles } from "../moving/moved-files.ts";
import { takeBack } from "../moving/undo.ts";
import type { Settings } from "../settings/settings.ts";
import { openMoveTarget } from "../storage/postgres/postgres-move-target.ts";
import {
  hasRecord,
  holdRecord,
  openSnapshot,
  removeSnapshot,
} from "../storage/sqlite/move-snapshot.ts";
import { SqliteMoveSource } from "../storage/sqlite/sqlite-move-source.ts";
import { openCommandMedia } from "./command-media.ts";
import { requireDataDir } from "./data-folder.ts";
import type { Ending } from "./ending.ts";
import { filesPlace, isLeaving, requireBucket, requireSame, requireThere } from "./move-places.ts";

interface Migration {
  settings: Settings;
  target: MoveTarget;
  files: FilesEnds;
  /** A line on stderr. */
  say: (text: string) => void;
  write: (text: string) => void;
}

/** Moves the record of this machine, and what belongs to it, to a database for several; or back. */
export async function runMigrate(
  flags: Readonly<Record<string, string | undefined>>,
  settings: Settings,
  ending: Ending,
): Promise<void> {
  const { database, dataDir } = settings;
  if (!database) {
    throw new AppError(
      "configuration",
      "Where to? Set LONGCAT_MCP_DATABASE_URL, or LONGCAT_MCP_DATABASE_URL_FILE, to the database, as postgres://USER:PASSWORD@HOST:5432/DATABASE; --to takes it as well, but others on this machine can read that while it runs. Nothing was changed.",
    );
  }
  requireDataDir(dataDir);
  if (!hasRecord(dataDir)) {
    throw new AppError(
      "invalid_input",
      `There is no record of jobs in ${oneLine(dataDir)}: nothing is to be moved. LONGCAT_MCP_DATA_DIR names another folder.`,
    );
  }
  await requireBucket(settings);
  const { media, close } = await openCommandMedia(settings);
  const target = await openMoveTarget(database, systemClock);
  ending.closeWith(() => target.close());
  const migration: Migration = {
    ...{ settings, target, files: filesOf(settings, media) },
    say: (text) => process.stderr.write(`${text}\n`),
    write: (text) => process.stdout.write(text),
  };
  try {
    if (flags["undo"] !== undefined) await goBack(migration);
    else await moveAll(migration, flags["owner"]);
  } finally {
    await target.close();
    await close();
  }
}

async function moveAll(migration: Migration, owner: string | undefined): Promise<void> {
  const { settings, target, write } = migration;
  const { dataDir } = settings;
  const mark = movedMark(dataDir);
  const place = { to: target.shown, files: filesPlace(settings) };
  requireSame(mark, place);
  if (mark?.isWhole && mark.id !== undefined) {
    await requireThere(target, mark.id);
    write(
      `Everything in ${oneLine(dataDir)} is at ${target.shown} already; nothing was changed.\n`,
    );
    return;
  }
  const held = holdRecord(dataDir);
  let source: MoveSource | undefined;
  let mayHaveBegun = mark !== undefined;
  try {
    // Whoever has waited for the record sees it.
    if (!mark) setMovedMark(dataDir, { ...place, isWhole: false });
    source = new SqliteMoveSource(openSnapshot(dataDir, held), mark?.id);
    const { id } = source;
    setMovedMark(dataDir, { ...place, isWhole: false, id });
    const known = await target.move(id);
    mayHaveBegun = true;
    const move = await begun(migration, source, known, owner);
    const isResumed = known !== undefined;
    const files = new MovedFiles(migration.files, isResumed, migration.say);
    const parts = partsOf(migration, source);
    const isThere = move.state === "done";
    const sum = await (isThere
      ? compareMoved({ ...parts, move })
      : copyRecord({ ...parts, files, move }));
    setMovedMark(dataDir, { ...place, isWhole: true, id });
    write(summary(migration, source, sum, files));
  } catch (error) {
    if (await hasBegun(target, source, mayHaveBegun)) throw halfway(error);
    clearMovedMark(dataDir);
    source?.close();
    removeSnapshot(dataDir);
    throw error;
  } finally {
    source?.close();
    held.close();
  }
  removeSnapshot(dataDir);
}

/** What stood in the way of a move that may have begun: what is to be done is not to buy again. */
function halfway(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== "storage") return error;
  return new AppError("storage", error.message, {
    cause: error,
    next: "The record here stays as it is and is not used: run the same command again, which goes on where it was, or `longcat-mcp migrate --undo`.",
  });
}

async function goBack(migration: Migration): Promise<void> {
  const { settings, target, files, write } = migration;
  const { dataDir } = settings;
  const mark = movedMark(dataDir);
  requireSame(mark, { to: target.shown, files: filesPlace(settings) });
  if (!mark) {
    write(`The record in ${oneLine(dataDir)} has not moved; nothing was changed.\n`);
    return;
  }
  const held = holdRecord(dataDir);
  try {
    const source = new SqliteMoveSource(openSnapshot(dataDir, held), mark.id);
    // From the first row that goes on, the database does not have everything any more.
    setMovedMark(dataDir, { ...mark, isWhole: false, id: source.id });
    try {
      await takeBack(partsOf(migration, source), files.to);
    } catch (error) {
      const there = await target.move(source.id).catch(() => undefined);
      if (there?.state === "done") setMovedMark(dataDir, { ...mark, id: source.id });
      throw error;
    } finally {
      source.close();
    }
    removeSnapshot(dataDir);
    clearMovedMark(dataDir);
  } finally {
    held.close();
  }
  write(
    `The record in ${oneLine(dataDir)} is in use again, as it was. What had come to ${target.shown} is gone from there, but for its audit log. Start the program without LONGCAT_MCP_DATABASE_URL.\n`,
  );
}

async function begun(
  migration: Migration,
  source: MoveSource,
  known: Move | undefined,
  owner: string | undefined,
): Promise<Move> {
  const { target, files } = migration;
  if (known?.state === "leaving") throw isLeaving();
  if (known && known.state !== "undone") return known;
  const standing = await target.standing();
  const how = beginning(source, standing, {
    localOwner: LOCAL_OWNER,
    owner,
    now: systemClock.now(),
  });
  const hasFiles = source.owners().some((one) => {
    return files.isElsewhere(one, one === LOCAL_OWNER ? how.localOwner : one);
  });
  return target.begin(source, { ...how, hasFiles });
}

/** Whether the target has anything of the move, so that the record here must not be used. */
async function hasBegun(
  target: MoveTarget,
  source: MoveSource | undefined,
  mayHave: boolean,
): Promise<boolean> {
  // What cannot be read here says nothing of what is there.
  if (!source) return mayHave;
  try {
    const move = await target.move(source.id);
    return move !== undefined && move.state !== "undone";
  } catch {
    return mayHave;
  }
}

function partsOf({ target, say }: Migration, source: MoveSource) {
  return { source, target, say, localOwner: LOCAL_OWNER, now: systemClock.now };
}

/** In a bucket all of them lie elsewhere; on this disk those that become another owner's. */
function filesOf(settings: Settings, media: MediaStore): FilesEnds {
  const hasBucket = settings.mediaBucket !== undefined;
  return {
    from: new DiskStore({ ...settings, homeOwner: LOCAL_OWNER }),
    to: media,
    isElsewhere: (before, after) => hasBucket || before !== after,
  };
}

function summary(
  { settings, target }: Migration,
  source: MoveSource,
  sum: MovedSum,
  { sum: files }: MovedFiles,
): string {
  const count = (name: string) => sum.rows.get(name) ?? 0;
  const lines = [
    `Everything in ${oneLine(settings.dataDir)} is at ${target.shown}: ${count("jobs")} jobs, ${count("chat_threads")} conversations, ${count("users")} users, ${count("audit_log")} lines of the audit log; ${files.copied} files were copied (${files.bytes} bytes).`,
    ...(files.missing > 0 ? [`${files.missing} files of jobs were not there any more.`] : []),
    ...(files.changed > 0
      ? [`${files.changed} files were changed since they were made, and are as they are now.`]
      : []),
    ...(source.needHosting() > 0
      ? [
          `${source.needHosting()} unfinished jobs need files that this machine serves: start one replica here, with the same data folder.`,
        ]
      : []),
    "Finished files that were not copied, uploads, keys and opened folders stay in their folders on this machine: give the replicas the same folders, or the same keys.",
    "The record here stays as it is and is used no more. Start the program with LONGCAT_MCP_DATABASE_URL set; `longcat-mcp migrate --undo` goes back, as long as nothing has become of the jobs there.",
  ];
  return `${lines.join("\n")}\n`;
}
