import { isLoopbackHost } from "../core/host-addresses.ts";
/** What texts are limited to whose own limit nobody states. */
export const MAX_TEXT_BYTES = 1024 * 1024;

/** What a picture may weigh inside a request; base64 makes four bytes of three. */
export const MAX_INLINE_BYTES = 10_000_000;

/** Nothing is ever polled faster than this, times the scale of a loopback base. */
export const POLL_FLOOR_MS = 2_000;

/**
 * How long a moment is at a base: 1 for a real provider, less for one on this machine.
 * @param floorMs the floor that was set for it, in milliseconds.
 */
export function timeScaleOf(baseUrl: string, floorMs: number): number {
  return isLoopbackHost(new URL(baseUrl).hostname) ? floorMs / POLL_FLOOR_MS : 1;
}
