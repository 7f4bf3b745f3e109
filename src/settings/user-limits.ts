import { wholeNumber } from "./forms.ts";

const MOST = Number.MAX_SAFE_INTEGER;
const PER_USER = "over HTTP with users: ";

/* What one user of several may have at a time, so that others have their share. */

export const USER_LIMITS = {
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
