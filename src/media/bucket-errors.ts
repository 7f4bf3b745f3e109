import { AppError } from "../core/errors.ts";
import { BucketFailure } from "../gateway/bucket-failure.ts";

const SETTINGS =
  "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and the bucket, endpoint and region of LONGCAT_MCP_MEDIA_URL or LONGCAT_MCP_HOSTING_URL";

/** Whether the same may succeed later without anybody changing a setting. */
export function mayPass(failure: unknown): boolean {
  if (!(failure instanceof BucketFailure)) return !(failure instanceof AppError);
  return failure.kind !== "signature" && failure.kind !== "no-bucket";
}

/**
 * What a bucket failed with, as an error that says so: `configuration` where its keys or its name
 * are wrong, and `storage` for all else. Whoever runs the program knows where the bucket is; callers
 * are not told.
 */
export function asBucketError(failure: unknown): AppError {
  if (failure instanceof AppError) return failure;
  const reason = failure instanceof BucketFailure ? failure.message : "a file cannot be read here";
  const message = `The bucket for files cannot be used: ${reason}.`;
  return mayPass(failure)
    ? new AppError("storage", message, {
        cause: failure,
        next: "It is tried again by itself where a finished file waits for it; ask the user to look after the server of the bucket.",
      })
    : new AppError("configuration", message, {
        cause: failure,
        next: `Ask the user to ${SETTINGS}, and to start the server again.`,
      });
}
