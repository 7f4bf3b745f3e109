import { isIP } from "node:net";
import { canParseUrl } from "./can-parse-url.ts";

/** A place in a bucket of an S3 server, and the ways to it. */
export interface BucketAddress {
  bucket: string;
  /** What all keys begin with: without slashes at its ends, and empty where it is the whole bucket. */
  prefix: string;
  /** Where this program finds the server, without a slash at its end. */
  endpoint: string;
  /** Where others do, in links. */
  publicEndpoint: string;
  region: string;
  /** Whether the bucket stands in the path of an address or before the name of its host. */
  style: (typeof STYLES)[number];
}

/** What requests are signed with. */
export interface BucketKeys {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of keys that are lent for a while. */
  sessionToken: string | undefined;
}

/** A place in a bucket, and the keys to it. */
export interface BucketPlace {
  address: BucketAddress;
  keys: BucketKeys;
}

const STYLES = ["path", "virtual"] as const;
const PARAMETERS = ["endpoint", "region", "style", "public_endpoint"];
const LIKE = "s3://bucket/prefix?endpoint=https://s3.example.com&region=eu-central-1";
/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET = /^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const FOLDER = /^(?!\.{1,2}$)[\w.~-]{1,100}$/;
const MAX_PREFIX = 300;
const REGION = /^[a-z0-9-]{1,64}$/i;
/** What servers that know no regions go by. */
const ANY_REGION = "us-east-1";

/**
 * Reads the address of a place in a bucket. What is wrong with it is told without its value, which
 * may have a secret in it.
 */
export function readBucketAddress(text: string): { address: BucketAddress } | { problem: string } {
  if (!/^s3:\/\//i.test(text) || !canParseUrl(text)) return { problem: `must be like ${LIKE}` };
  const {
    username,
    password,
    port,
    hash,
    hostname: bucket,
    pathname,
    searchParams,
  } = new URL(text);
  if (username !== "" || password !== "") {
    return {
      problem:
        "must have no user name or password in it: keys are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    };
  }
  if (port !== "") return { problem: "names a port behind the bucket; the server is `endpoint=`" };
  if (hash !== "" || text.endsWith("#")) return { problem: "must have no # in it" };
  if (!BUCKET.test(bucket)) {
    return { problem: "names no bucket: 3 to 63 small letters, digits, dots and hyphens" };
  }
  const prefix = pathname.replace(/^\//, "").replace(/\/$/, "");
  const isPlain = prefix === "" || prefix.split("/").every((name) => FOLDER.test(name));
  if (!isPlain || prefix.length > MAX_PREFIX) {
    return {
      problem:
        "has a prefix of other than letters, digits and . _ ~ - between single slashes, or of more than 300 characters",
    };
  }
  return withParameters({ bucket, prefix }, searchParams);
}

function withParameters(
  place: Pick<BucketAddress, "bucket" | "prefix">,
  parameters: URLSearchParams,
): { address: BucketAddress } | { problem: string } {
  const names = [...parameters.keys()];
  const unknown = names.find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    const shown = /^[\w-]{1,40}$/.test(unknown) ? ` "${unknown}"` : "";
    return { problem: `has a parameter${shown} that is none of ${PARAMETERS.join(", ")}` };
  }
  const twice = names.find((name, position) => names.indexOf(name) !== position);
  if (twice !== undefined) return { problem: `has "${twice}" more than once` };
  const style = STYLES.find((one) => one === (parameters.get("style") ?? "path"));
  if (style === undefined) return { problem: `has a style that is none of ${STYLES.join(", ")}` };
  const given = parameters.get("region");
  if (given !== null && !REGION.test(given)) {
    return { problem: "has a region of other than letters, digits and hyphens" };
  }
  const named = parameters.get("endpoint");
  if (named === null && given === null) {
    return { problem: `must say where its server is: like ${LIKE}` };
  }
  const region = given ?? ANY_REGION;
  const endpoint = readEndpoint(named ?? `https://s3.${region}.amazonaws.com`);
  const publicEndpoint = readEndpoint(parameters.get("public_endpoint") ?? endpoint);
  if (endpoint === undefined) return { problem: ofEndpoint("endpoint") };
  if (publicEndpoint === undefined) return { problem: ofEndpoint("public_endpoint") };
  const isNumbered = [endpoint, publicEndpoint].some(
    (one) => isIP(new URL(one).hostname.replace(/^\[|\]$/g, "")) !== 0,
  );
  if (style === "virtual" && isNumbered) {
    return {
      problem:
        "has style=virtual and an address in place of a name, before which no bucket can stand",
    };
  }
  return { address: { ...place, endpoint, publicEndpoint, region, style } };
}

function ofEndpoint(name: string): string {
  return `has no http or https URL without user name, password, ? and # as its ${name}`;
}

/** @returns it without a slash at its end; `undefined` for what is none. */
function readEndpoint(text: string | undefined): string | undefined {
  if (text === undefined || !/^https?:\/\//i.test(text) || !canParseUrl(text)) return undefined;
  const { username, password, search, hash, origin, pathname } = new URL(text);
  if (username !== "" || password !== "" || search !== "" || hash !== "" || /[?#]/.test(text)) {
    return undefined;
  }
  return (origin + pathname).replace(/\/+$/, "");
}

/** Where a place is, in words for whoever runs the program. */
export function shownBucket({ bucket, prefix, endpoint }: BucketAddress): string {
  return `s3://${bucket}${prefix === "" ? "" : `/${prefix}`} at ${endpoint}`;
}
