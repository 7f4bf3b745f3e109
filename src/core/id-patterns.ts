/*
 * What the ids of `ids.ts` look like. Apart from there, because making ids loads a cryptography
 * module that a start does without.
 */

/** What looks like a random token, as part of a pattern. */
export const TOKEN = "[a-z2-7]{26}";

export const TOKEN_PATTERN = new RegExp(`^${TOKEN}$`);
export const JOB_ID_PATTERN = new RegExp(`^job_${TOKEN}$`);
export const THREAD_ID_PATTERN = new RegExp(`^thread_${TOKEN}$`);
