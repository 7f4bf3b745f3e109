import * as z from "zod";
import { type BucketAddress, type BucketPlace, readBucketAddress } from "../core/bucket-address.ts";
import { text } from "./forms.ts";

/* Where files are that several machines share, and what is fetched there. */

const MEDIA_URL = "LONGCAT_MCP_MEDIA_URL";
const HOSTING_URL = "LONGCAT_MCP_HOSTING_URL";
/** Other programs read these as well: without a bucket they are theirs alone. */
const WITH_BUCKET = [MEDIA_URL, HOSTING_URL];
const FORM = "s3://bucket/prefix?endpoint=…&region=…[&style=virtual][&public_endpoint=…]";

/** What is wrong is told without the value, which may have a secret in it. */
const bucketAddress = z.string().transform((value, context): BucketAddress => {
  const read = readBucketAddress(value);
  if ("address" in read) return read.address;
  context.addIssue({ code: "custom", message: `${read.problem}.` });
  return z.NEVER;
});

export const BUCKETS = {
  mediaUrl: {
    env: MEDIA_URL,
    help: `a bucket of an S3 server for finished files, which several machines can share: ${FORM}`,
    unset: "the output folder",
    schema: bucketAddress,
  },
  hostingUrl: {
    env: HOSTING_URL,
    help: "a bucket in which the provider fetches local pictures and training sets, written likewise; it needs no public address of this server",
    unset: `the bucket of ${MEDIA_URL}, or this server under LONGCAT_MCP_PUBLIC_URL`,
    schema: bucketAddress,
  },
  awsAccessKeyId: {
    env: "AWS_ACCESS_KEY_ID",
    help: "access key of the buckets; or AWS_ACCESS_KEY_ID_FILE",
    unset: "needed with a bucket",
    secret: true,
    onlyWith: WITH_BUCKET,
    schema: text,
  },
  awsSecretAccessKey: {
    env: "AWS_SECRET_ACCESS_KEY",
    help: "secret key of the buckets; or AWS_SECRET_ACCESS_KEY_FILE",
    unset: "needed with a bucket",
    secret: true,
    onlyWith: WITH_BUCKET,
    schema: text,
  },
  awsSessionToken: {
    env: "AWS_SESSION_TOKEN",
    help: "session token of keys that are lent for a while; or AWS_SESSION_TOKEN_FILE",
    unset: "none",
    secret: true,
    onlyWith: WITH_BUCKET,
    schema: text,
  },
} as const;

export interface Buckets {
  /** Where finished files are kept; on this disk where it is absent. */
  mediaBucket: BucketPlace | undefined;
  /** Where the provider fetches files; at this server where it is absent. */
  hostingBucket: BucketPlace | undefined;
}

interface BucketValues {
  mediaUrl?: BucketAddress | undefined;
  hostingUrl?: BucketAddress | undefined;
  awsAccessKeyId?: string | undefined;
  awsSecretAccessKey?: string | undefined;
  awsSessionToken?: string | undefined;
}

/**
 * The buckets with their keys, and what is wrong.
 * @param folder below which the sandbox keeps what is its own.
 */
export function bucketsOf(
  values: BucketValues,
  folder: string | undefined,
): Buckets & { problems: string[] } {
  const { mediaUrl, hostingUrl, ...keys } = values;
  const { awsAccessKeyId: accessKeyId = "", awsSecretAccessKey: secretAccessKey = "" } = keys;
  const address = mediaUrl ?? hostingUrl;
  if (!address) return { mediaBucket: undefined, hostingBucket: undefined, problems: [] };
  const given = [
    ["AWS_ACCESS_KEY_ID", accessKeyId],
    ["AWS_SECRET_ACCESS_KEY", secretAccessKey],
    ["AWS_SESSION_TOKEN", keys.awsSessionToken ?? "none"],
  ] as const;
  const setting = mediaUrl ? MEDIA_URL : HOSTING_URL;
  const problems = given.flatMap(([name, value]) => {
    if (value === "") return [`${setting} needs ${name}, or ${name}_FILE, which is not set.`];
    return /^[\x21-\x7e]+$/.test(value)
      ? []
      : [`${name} holds blanks or characters that no key has; set it to the key alone.`];
  });
  const place = (one: BucketAddress): BucketPlace => ({
    address: { ...one, prefix: [one.prefix, folder ?? ""].filter((part) => part !== "").join("/") },
    keys: { accessKeyId, secretAccessKey, sessionToken: keys.awsSessionToken },
  });
  return {
    mediaBucket: mediaUrl && place(mediaUrl),
    hostingBucket: place(hostingUrl ?? address),
    problems,
  };
}

/** The secrets among the keys of buckets. A presigned address has all the rest in it. */
export function bucketSecrets({ mediaBucket, hostingBucket }: Buckets): string[] {
  return [mediaBucket, hostingBucket].flatMap((place) =>
    place ? [place.keys.secretAccessKey] : [],
  );
}
