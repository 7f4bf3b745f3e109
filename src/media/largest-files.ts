/** The most that a picture may have, given or fetched: it is read into memory. */
export const MAX_PICTURE_BYTES = 64 * 1024 * 1024;

/** The most that trained weights may have; they are never in memory. */
export const MAX_WEIGHTS_BYTES = 8 * 1024 * 1024 * 1024;
