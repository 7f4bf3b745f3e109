import { onOff, text } from "./forms.ts";

/* Where jobs are recorded. */

export const DATABASE = {
  databaseUrl: {
    env: "LONGCAT_MCP_DATABASE_URL",
    help: "a PostgreSQL for the record of several machines, as postgres://…; or LONGCAT_MCP_DATABASE_URL_FILE",
    unset: "a file in the data folder",
    secret: true,
    guardsMoney: true,
    schema: text,
  },
  databasePrepare: {
    env: "LONGCAT_MCP_DATABASE_PREPARE",
    help: "prepare statements there; off behind a pooler that shares connections by transaction",
    default: "on",
    schema: onOff,
  },
} as const;
