import { join } from "node:path";
import { LOCAL_OWNER } from "../../src/core/owner.ts";
import { DiskStore } from "../../src/media/disk-store.ts";

/** Opens the media store that the contract suite looks at, in this process or in another. */
export async function open(place: string) {
  const outputDir = join(place, "output");
  const places = { allowedDirs: [outputDir], workingDir: place, homeDir: join(place, "home") };
  return { media: new DiskStore({ ...places, outputDir, homeOwner: LOCAL_OWNER }) };
}
