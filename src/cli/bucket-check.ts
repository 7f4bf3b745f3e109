import { type BucketPlace, shownBucket } from "../core/bucket-address.ts";
import { systemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { Redact } from "../core/redact.ts";
import { BucketClient } from "../gateway/bucket-client.ts";
import { BucketFailure } from "../gateway/bucket-failure.ts";
import { HttpClient } from "../gateway/http-client.ts";
import type { Settings } from "../settings/settings.ts";

/** So long a start waits for a bucket that says nothing. */
const LOOK_MS = 4_000;

type BucketSettings = Pick<Settings, "mediaBucket" | "hostingBucket" | "proxies">;

/** What was found of a bucket. */
export interface BucketFinding {
  /** Where it is, for whoever runs the program. */
  shown: string;
  /** What is wrong; absent where it answers as it should. */
  problem?: string;
  /** Whether the settings must be other ones; all else may pass. */
  isForGood?: boolean;
}

/** Asks every bucket that is set whether it is there and takes the keys. */
export async function lookAtBuckets(
  { mediaBucket, hostingBucket, proxies }: BucketSettings,
  redact: Redact,
): Promise<BucketFinding[]> {
  const places = [mediaBucket, hostingBucket].flatMap((place) => (place ? [place] : []));
  if (places.length === 0) return [];
  const http = new HttpClient(proxies, redact);
  try {
    const apart = new Map(places.map((place) => [JSON.stringify(place.address), place]));
    return await Promise.all([...apart.values()].map((place) => lookAt(place, http)));
  } finally {
    await http.close();
  }
}

async function lookAt(place: BucketPlace, http: HttpClient): Promise<BucketFinding> {
  const client = new BucketClient({ http, clock: systemClock, ...place });
  const shown = shownBucket(place.address);
  let callOff = () => {};
  const inTime = new Promise<never>((_, reject) => {
    const late = new BucketFailure("unavailable", "no answer in time");
    callOff = systemClock.schedule(LOOK_MS, () => reject(late));
  });
  try {
    await Promise.race([client.check(), inTime]);
    return { shown };
  } catch (error) {
    if (!(error instanceof BucketFailure)) throw error;
    return { shown, problem: error.message, isForGood: error.kind !== "unavailable" };
  } finally {
    callOff();
  }
}

/**
 * Makes sure that the buckets are not wrongly set, before anybody is served.
 * @param onAway hears of those that cannot be reached now, and may be later.
 * @throws {configuration} naming the bucket and what is wrong with it
 */
export async function requireBuckets(
  settings: BucketSettings,
  redact: Redact,
  onAway: (sentence: string) => void,
): Promise<void> {
  for (const { shown, problem, isForGood } of await lookAtBuckets(settings, redact)) {
    if (problem === undefined) continue;
    const sentence = `The bucket ${shown} cannot be used: ${problem}.`;
    if (isForGood) throw new AppError("configuration", sentence);
    onAway(sentence);
  }
}
