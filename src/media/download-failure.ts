import { AppError } from "../core/errors.ts";
import { TransportFailure } from "../gateway/exchange.ts";
import { RefusedAddress } from "../gateway/refused-address.ts";

/** Why a download did not succeed, and whether another try can help. */
export class DownloadFailure extends Error {
  override readonly name = "DownloadFailure";
  /**
   * - `refused`: for what the address or the file is; another try changes nothing
   * - `gone`: 403, 404 or 410
   * - `unusable`: a document came instead of the file
   * - `transient`: the network, the server or the transfer failed
   */
  readonly kind: "refused" | "gone" | "unusable" | "transient";
  constructor(kind: DownloadFailure["kind"], message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** A file that was on its way to where it is kept, and cannot be kept there for the moment. */
export class NotThrough extends Error {
  override readonly name = "NotThrough";

  /** @param cause why. */
  constructor(cause: AppError) {
    super(cause.message, { cause });
  }
}

/** What a failure of any part of a download means: one of its own, or one of this server's disk. */
export function asDownloadFailure(error: unknown): Error {
  if (error instanceof DownloadFailure || error instanceof NotThrough) return error;
  if (error instanceof AppError) return error;
  if (findCause(error, RefusedAddress)) {
    return new DownloadFailure("refused", findCause(error, RefusedAddress)?.message ?? "", error);
  }
  if (isDiskFault(error)) {
    const message = `The file could not be written (${codeOf(error)}).`;
    return new AppError("storage", message, { cause: error });
  }
  const message = error instanceof TransportFailure ? error.message : "the connection broke";
  return new DownloadFailure("transient", message, error);
}

function findCause<E extends Error>(
  error: unknown,
  type: new (...args: never[]) => E,
): E | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; depth++) {
    if (current instanceof type) return current;
    current = current.cause;
  }
  return undefined;
}

function isDiskFault(error: unknown): boolean {
  const code = codeOf(error);
  return [
    "ENOSPC",
    "EDQUOT",
    "EFBIG",
    "EROFS",
    "EACCES",
    "EPERM",
    "EIO",
    "ENOENT",
    "EMFILE",
  ].includes(code);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
