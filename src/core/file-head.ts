/** How many bytes at the beginning of a file tell what it is. */
export const HEAD_BYTES = 4_100;
