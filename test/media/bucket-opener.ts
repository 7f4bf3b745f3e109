import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { BucketAddress } from "../../src/core/bucket-address.ts";
import { systemClock } from "../../src/core/clock.ts";
import { LOCAL_OWNER } from "../../src/core/owner.ts";
import { BucketClient } from "../../src/gateway/bucket-client.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { BucketStore } from "../../src/media/bucket-store.ts";

/** Opens the media store that the contract suite looks at, in this process or in another. */
export async function open(place: string) {
  const endpoint = await readFile(join(place, "endpoint"), "utf8");
  return { media: bucketStore(place, endpoint) };
}

/** @param place a folder of this machine, after which its files in the bucket are called. */
export function bucketStore(place: string, endpoint: string): BucketStore {
  const address: BucketAddress = {
    ...{ bucket: "files", prefix: basename(place), endpoint, publicEndpoint: endpoint },
    ...{ region: "eu-central-1", style: "path" },
  };
  const keys = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret", sessionToken: undefined };
  return new BucketStore({
    client: new BucketClient({ http: new HttpClient(), clock: systemClock, address, keys }),
    clock: systemClock,
    draftsDir: join(place, "drafts"),
    homeOwner: LOCAL_OWNER,
    hasLinks: true,
  });
}
