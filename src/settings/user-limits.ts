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
    commands: ["http"],
    schema: text,
  },
  requestsPerMinutePerUser: {
    env: "LONGCAT_MCP_REQUESTS_PER_MINUTE_PER_USER",
    help: `${PER_USER}how many requests of one are taken within a minute`,
    unset: "no limit",
    commands: ["http"],
    schema: wholeNumber(1, 1_000_000),
  },
  maxStreamsPerUser: {
    env: "LONGCAT_MCP_MAX_STREAMS_PER_USER",
    help: `${PER_USER}how many streams of events one may have open`,
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
} as const;
