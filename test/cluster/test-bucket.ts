import {
  type BucketAddress,
  type BucketPlace,
  readBucketAddress,
} from "../../src/core/bucket-address.ts";
import { systemClock } from "../../src/core/clock.ts";
import { BucketClient } from "../../src/gateway/bucket-client.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";

/** A setting's address, with folders more for a test. */
export function addressOf(mediaUrl: string, ...folders: string[]): BucketAddress {
  const read = readBucketAddress(mediaUrl);
  if ("problem" in read) throw new Error(read.problem);
  const { address } = read;
  const prefix = [address.prefix, ...folders].filter((one) => one !== "").join("/");
  return { ...address, prefix };
}

/** The bucket that the environment names, a prefix of it. */
export function testBucket(prefix: string): BucketPlace {
  const { TEST_MEDIA_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } =
    process.env;
  return {
    address: addressOf(TEST_MEDIA_URL ?? "", prefix),
    keys: {
      accessKeyId: AWS_ACCESS_KEY_ID ?? "",
      secretAccessKey: AWS_SECRET_ACCESS_KEY ?? "",
      sessionToken: AWS_SESSION_TOKEN,
    },
  };
}

/** What asks that bucket. */
export function testClient(place: BucketPlace): BucketClient {
  return new BucketClient({ http: new HttpClient(), clock: systemClock, ...place });
}

/** All that lies there. */
export async function keysIn(place: BucketPlace): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of testClient(place).list(place.address.prefix)) keys.push(key);
  return keys;
}
