import { Gate } from "./gate.ts";

/** A header that promises more than this is a bomb, not a picture. */
export const MAX_PICTURE_PIXELS = 100_000_000;

/**
 * The one way to all decoding and encoding of pictures, for memory belongs to the process and not
 * to whoever decodes: the weights are bytes of pictures unpacked, so many small ones or one of the
 * largest are inside at a time. Never enter it from inside.
 */
export const DECODING = new Gate(MAX_PICTURE_PIXELS * 3);
