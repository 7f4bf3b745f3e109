import { text, wholeNumber } from "./forms.ts";

const MOST = Number.MAX_SAFE_INTEGER;
const PER_USER = "over HTTP with users: ";

/* What one user of several may have at a time, so that others have their share. */

export const USER_LIMITS = {
  keysDir: {
    env: "LONGCAT_MCP_KEYS_DIR",
    folder: "one",
    help: `${PER_USER}a folder with the keys that users have of their own, \`<user>/PIXAZO_API_KEY\` and \`<user>/LONGCAT_API_KEY\`; who has none there cannot call`,
    unset: "all share the keys above",
    schema: text,
  },
  maxRunningJobsPerUser: {
    env: "LONGCAT_MCP_MAX_RUNNING_JOBS_PER_USER",
    guardsMoney: true,
    help: `${PER_USER}how many unfinished jobs one may have`,
    unset: "no limit",
    commands: ["http"],
    schema: wholeNumber(1, MOST),
  },
  requestsPerMinutePerUser: {
    env: "LONGCAT_MCP_REQUESTS_PER_MINUTE_PER_USER",
    help: `${PER_USER}how many requests of one are taken within a minute`,
    unset: "no limit",
    commands: ["http"],
    schema: wholeNumber(1, 1_000_000),
  },
  maxWaitsPerUser: {
    env: "LONGCAT_MCP_MAX_WAITS_PER_USER",
    help: `${PER_USER}how many calls of one may wait for jobs at a time`,
    default: "16",
    commands: ["http"],
    schema: wholeNumber(1, MOST),
  },
  maxStreamsPerUser: {
    env: "LONGCAT_MCP_MAX_STREAMS_PER_USER",
    help: `${PER_USER}how many streams of events one may have open, and how many sessions`,
    default: "16",
    commands: ["http"],
    schema: wholeNumber(1, MOST),
  },
  bodyBytesPerUser: {
    env: "LONGCAT_MCP_BODY_BYTES_PER_USER",
    help: `${PER_USER}how many bytes the requests of one that are being answered may have`,
    default: "67108864",
    commands: ["http"],
    schema: wholeNumber(1, MOST),
  },
  hostedBytesPerUser: {
    env: "LONGCAT_MCP_HOSTED_BYTES_PER_USER",
    help: `${PER_USER}how much of LONGCAT_MCP_HOSTED_BYTES the running jobs of one may need`,
    unset: "all of it",
    commands: ["http"],
    schema: wholeNumber(1, MOST),
  },
  keptBytesPerUser: {
    env: "LONGCAT_MCP_KEPT_BYTES_PER_USER",
    help: `${PER_USER}how many bytes of finished files of one are kept before nothing more is bought; what was bought is kept in any case`,
    unset: "no limit",
    commands: ["http"],
    schema: wholeNumber(1, MOST),
  },
} as const;
