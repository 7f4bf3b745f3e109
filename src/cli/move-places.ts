import { shownBucket } from "../core/bucket-address.ts";
import { AppError } from "../core/errors.ts";
import type { MovedMark } from "../core/moved-mark.ts";
import { createRedact } from "../core/redact.ts";
import { oneLine } from "../core/text.ts";
import type { MoveTarget } from "../moving/move-ends.ts";
import { bucketSecrets } from "../settings/bucket-settings.ts";
import type { Settings } from "../settings/settings.ts";
import { lookAtBuckets } from "./bucket-check.ts";

/** Where finished files lie that go to no bucket. */
const THIS_DISK = "this disk";
const UNCHANGED = "Nothing was changed.";

/** Where a record goes, and its files, for a person. */
type Place = Required<Pick<MovedMark, "to" | "files">>;

/** Where finished files go. */
export function filesPlace({ mediaBucket }: Pick<Settings, "mediaBucket">): string {
  return mediaBucket ? shownBucket(mediaBucket.address) : THIS_DISK;
}

/** @throws {configuration} for places that are not those that the record has moved to */
export function requireSame(mark: MovedMark | undefined, { to, files = THIS_DISK }: Place): void {
  if (!mark) return;
  if (mark.to !== to) {
    throw new AppError(
      "configuration",
      `This record has moved, or is being moved, to ${oneLine(mark.to)}, and not to ${to}: name that database. ${UNCHANGED}`,
    );
  }
  if (mark.files === undefined || mark.files === files) return;
  const how =
    mark.files === THIS_DISK ? "leave LONGCAT_MCP_MEDIA_URL away" : "name that bucket with --media";
  throw new AppError(
    "configuration",
    `The finished files of this record went, or are going, to ${oneLine(mark.files)}, and not to ${files}: ${how}. ${UNCHANGED}`,
  );
}

/** @throws {configuration | invalid_input} where a record that went to a database is not there */
export async function requireThere(target: MoveTarget, id: string): Promise<void> {
  const move = await target.move(id);
  if (move?.state === "done") return;
  if (move?.state === "leaving") throw isLeaving();
  throw new AppError(
    "configuration",
    `This record has moved to ${target.shown}, but that database does not have it: is it another one, or one from a backup of before? Bring the right one back; if there is none, \`longcat-mcp migrate --undo\` takes the record here into use again. ${UNCHANGED}`,
  );
}

/** For a move that somebody has begun to take back. */
export function isLeaving(): AppError {
  return new AppError(
    "invalid_input",
    "This move is being taken back: finish that with `longcat-mcp migrate --undo`.",
  );
}

/** @throws {configuration | storage} for a bucket that cannot be used as it is set, or now */
export async function requireBucket(settings: Settings): Promise<void> {
  const redact = createRedact(bucketSecrets(settings));
  const asked = { ...settings, hostingBucket: undefined };
  for (const { shown, problem, isForGood } of await lookAtBuckets(asked, redact)) {
    if (problem === undefined) continue;
    throw new AppError(
      isForGood ? "configuration" : "storage",
      `The bucket ${shown} cannot be used: ${problem}. ${UNCHANGED}`,
      { next: "See to the bucket, its keys and LONGCAT_MCP_MEDIA_URL, and run this again." },
    );
  }
}
