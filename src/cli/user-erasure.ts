import { join } from "node:path";
import { oneLine } from "../core/text.ts";
import { HOSTED_FOLDER, HostedFolder } from "../inputs/hosted-folder.ts";
import { eraseUploads, UPLOADS_FOLDER } from "../inputs/uploads.ts";
import { removeDoomed } from "../jobs/doomed-files.ts";
import { nameHolder } from "../jobs/lease-holder.ts";
import { withCommandMedia } from "./command-media.ts";
import { findPlace, lives } from "./process-place.ts";
import { findUser } from "./user-named.ts";
import type { UserOrder } from "./user-options.ts";
import type { UserSurroundings } from "./user-record.ts";

/**
 * Revokes a user and removes what is theirs; the name goes last, so that an erasure that was cut
 * short can be done again.
 * @throws {invalid_input} while jobs are unfinished and nothing else was asked for
 */
export async function eraseUser(
  { who, force }: UserOrder,
  surroundings: UserSurroundings,
): Promise<void> {
  const { users, stores, now, write, say } = surroundings;
  const user = await findUser(users, who);
  const { userId } = user;
  const { belongings } = stores;
  if (!force) await belongings.requireFinished(userId);
  // Nothing new begins from here on.
  if (user.revokedAt === undefined) await users.revoke(userId, now);
  const { jobs, threads } = await belongings.remove(userId, { force, now });
  const stuck = await removeFiles(userId, surroundings);
  await users.forget(userId, now);
  for (const path of stuck) say(`${oneLine(path)} cannot be removed yet; the next start tries.`);
  write(
    `${user.name ?? userId} is erased: ${jobs} jobs, ${threads} conversations and their files. What was spent still counts.\n`,
  );
}

/** @returns those that cannot be removed. */
async function removeFiles(
  owner: string,
  { stores, settings }: UserSurroundings,
): Promise<string[]> {
  const left = await withCommandMedia(settings, async (media) => {
    const stuck = await removeDoomed(stores.jobs, (whose, ref) => media.delete(whose, ref));
    await media.deleteAll(owner);
    return stuck;
  });
  await removeHosted({ stores, settings });
  const uploads = new HostedFolder(join(settings.dataDir, UPLOADS_FOLDER), "");
  await eraseUploads({ folder: uploads, record: stores.uploads }, owner);
  return left.flatMap(({ file }) => (file.owner === owner ? [file.ref] : []));
}

/** Files for the provider whose jobs are gone. */
async function removeHosted({
  stores,
  settings,
}: Pick<UserSurroundings, "stores" | "settings">): Promise<void> {
  const startedAt = Math.round(performance.timeOrigin);
  const naming = nameHolder({ place: findPlace(), pid: process.pid, startedAt, lives });
  const record = stores.hosting;
  const folder = new HostedFolder(join(settings.dataDir, HOSTED_FOLDER), naming.holder);
  for (const { owner, jobId } of await record.overdue()) {
    await record.release(owner, jobId, (name) => folder.remove(name));
  }
}
