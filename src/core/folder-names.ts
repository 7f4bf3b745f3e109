/* Names below the data folder and the output folder that more than one room has to know. */

/** The record of jobs. */
export const DATABASE_FILE = "jobs.db";
/** Has an empty file for each process that may have unfinished jobs. */
export const UNFINISHED_FOLDER = "unfinished";
/** Keeps processes from hosting and removing the same file at a time. */
export const HOSTED_LOCK = "hosted.lock";
/** Where the sandbox keeps what is not real, in either folder. */
export const SANDBOX_FOLDER = "sandbox";
