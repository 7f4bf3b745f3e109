/*
 * What the ids of `ids.ts` look like. Apart from there, because making ids loads a cryptography
 * module that a start does without.
 */

export const JOB_ID_PATTERN = /^job_[a-z2-7]{26}$/;
export const THREAD_ID_PATTERN = /^thread_[a-z2-7]{26}$/;
export const UPLOAD_ID_PATTERN = /^[a-z2-7]{26}$/;
