import { oneLine } from "../core/text.ts";

/**
 * Why a bucket did not do what it was asked: `signature` where the keys are wrong, `denied` where
 * they may not, `no-bucket` where there is none of that name, `no-object` where there is no such
 * file, `no-range` where it is shorter, and `unavailable` for all that may pass by itself.
 */
export type BucketFailureKind =
  | "signature"
  | "denied"
  | "no-bucket"
  | "no-object"
  | "no-range"
  | "unavailable";

/** What S3's codes say, as far as it is known. */
const CODES: Readonly<Record<string, readonly [BucketFailureKind, string]>> = {
  SignatureDoesNotMatch: ["signature", "the secret key is wrong"],
  InvalidAccessKeyId: ["signature", "the access key is not known there"],
  InvalidToken: ["signature", "the session token is wrong"],
  AuthorizationHeaderMalformed: ["signature", "the region is another one, or the keys are wrong"],
  ExpiredToken: ["denied", "the session token has expired"],
  AccessDenied: ["denied", "the keys may not do that there"],
  PermanentRedirect: ["denied", "the bucket is at another endpoint or in another region"],
  RequestTimeTooSkewed: ["unavailable", "this machine's clock is too far from the server's"],
  NoSuchBucket: ["no-bucket", "there is no such bucket"],
  InvalidBucketName: ["no-bucket", "there is no such bucket"],
  NoSuchKey: ["no-object", "there is no such file"],
  NoSuchUpload: ["no-object", "the upload in parts was ended elsewhere"],
  InvalidRange: ["no-range", "the file is shorter"],
};
/** What a status says where no code came with it, as to a HEAD. */
const STATUSES: Readonly<Record<number, readonly [BucketFailureKind, string]>> = {
  301: ["denied", "the bucket is at another endpoint or in another region"],
  307: ["denied", "the bucket is at another endpoint or in another region"],
  401: ["denied", "the keys were refused"],
  403: ["denied", "the keys were refused"],
  416: ["no-range", "the file is shorter"],
};

/** A bucket that did not do what it was asked. */
export class BucketFailure extends Error {
  override readonly name = "BucketFailure";
  readonly kind: BucketFailureKind;

  /** @param message why, as what follows a colon. */
  constructor(kind: BucketFailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/**
 * What an answer other than a success means.
 * @param code what its body says, if it could be read.
 * @param isOfKey whether a file was asked for, and not the bucket.
 */
export function failureOf(
  status: number,
  code: string | undefined,
  isOfKey: boolean,
): BucketFailure {
  const said = `it answered ${status}${code === undefined ? "" : ` ${oneLine(code, 60)}`}`;
  const known = code === undefined ? (STATUSES[status] ?? missing(status, isOfKey)) : CODES[code];
  if (known === undefined) return new BucketFailure("unavailable", said);
  const [kind, reason] = known;
  return new BucketFailure(kind, `${reason} (${said})`);
}

function missing(
  status: number,
  isOfKey: boolean,
): readonly [BucketFailureKind, string] | undefined {
  if (status !== 404) return undefined;
  return isOfKey
    ? ["no-object", "there is no such file"]
    : ["no-bucket", "there is no such bucket"];
}
