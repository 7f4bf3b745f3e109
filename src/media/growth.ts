import type { Clock } from "../core/clock.ts";
import { DownloadFailure } from "./download-failure.ts";

const BASE_DEADLINE_MS = 120_000;
/** The slowest transfer that is still waited for. */
const MIN_BYTES_PER_MS = 16;

/**
 * How a file may grow from now on.
 * @returns hears how large it is about to become. @throws {DownloadFailure} where it must not
 */
export function growth(
  startsAt: number,
  capBytes: number,
  clock: Clock,
): (sizeBytes: number) => void {
  const startedAt = clock.elapsed();
  return (sizeBytes) => {
    if (sizeBytes > capBytes) throw tooLarge(capBytes);
    const allowedMs = BASE_DEADLINE_MS + (sizeBytes - startsAt) / MIN_BYTES_PER_MS;
    if (clock.elapsed() - startedAt > allowedMs) {
      throw new DownloadFailure("transient", "the transfer is too slow");
    }
  };
}

export function tooLarge(capBytes: number): DownloadFailure {
  return new DownloadFailure("refused", `the file is larger than ${capBytes} bytes`);
}

/** Of a file that ended elsewhere than it said. */
export function notAsLong(sizeBytes: number, length: number): DownloadFailure {
  return new DownloadFailure("transient", `${sizeBytes} of ${length} announced bytes arrived`);
}
