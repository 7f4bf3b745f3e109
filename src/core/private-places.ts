import { realpathSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, resolve } from "node:path";

/**
 * Whether a folder is the top of a disk, a home folder, or above one: such a folder holds what
 * nobody means to hand out, so nothing may be read from it or written to it unless a user names it.
 * Folders are compared by what they are and not by how they are written: through links, and in
 * another case where the disk does not tell cases apart.
 * @param homes home folders as they are known, there or not.
 */
export function isPrivatePlace(folder: string, homes: readonly string[]): boolean {
  const given = resolve(folder);
  const real = realOrSame(given);
  if (dirname(real) === real || dirname(given) === given) return true;
  const id = idOf(given);
  return homes
    .map((home) => resolve(home))
    .flatMap((home) => [...wayUp(home), ...wayUp(realOrSame(home))])
    .some((above) => above === given || above === real || (id !== undefined && idOf(above) === id));
}

/** The home folder that the system knows for whoever runs this, whatever the environment says. */
export function systemHome(): string[] {
  try {
    return [userInfo().homedir];
  } catch {
    // Some containers run as a user whom the system does not know.
    return [];
  }
}

function wayUp(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...wayUp(above)];
}

function realOrSame(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

/** What a folder is on its disk; `undefined` where it is not there or the disk does not tell. */
function idOf(folder: string): string | undefined {
  try {
    const { dev, ino } = statSync(folder, { bigint: true });
    return ino === 0n ? undefined : `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
