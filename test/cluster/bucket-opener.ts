import { basename, join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { LOCAL_OWNER } from "../../src/core/owner.ts";
import { BucketStore } from "../../src/media/bucket-store.ts";
import { testBucket, testClient } from "./test-bucket.ts";

/** Opens the media store that the contract suite looks at, in this process or in another. */
export async function open(place: string) {
  return { media: bucketStore(place) };
}

/** @param place a folder of this machine, which is called as no other. */
export function bucketStore(place: string): BucketStore {
  return new BucketStore({
    client: testClient(testBucket(basename(place))),
    clock: systemClock,
    draftsDir: join(place, "drafts"),
    homeOwner: LOCAL_OWNER,
    hasLinks: true,
  });
}
