import { BESIDE_TABLES } from "./beside-tables.ts";
import { CHAT_TABLES } from "./chat-tables.ts";
import { COMMITTED_TABLES } from "./committed-tables.ts";
import { JOB_TABLES } from "./job-tables.ts";
import { KEPT_TABLES } from "./kept-tables.ts";
import { MOVE_TABLES } from "./move-tables.ts";
import { PEOPLE_TABLES } from "./people-tables.ts";
import { SESSION_TABLES } from "./session-tables.ts";
import { VISIT_TABLES } from "./visit-tables.ts";

/** What brings a database from the version before to the next. */
interface Step {
  sql: string;
  /**
   * The oldest version of the program that can go on beside it: the one before, as long as a step
   * only adds. What has to go, goes one version after nobody has used it any more.
   */
  compatibleFrom: number;
}

/** Forward only; the n-th entry brings a database from version n to n + 1. */
export const STEPS: readonly Step[] = [
  { sql: [JOB_TABLES, CHAT_TABLES, BESIDE_TABLES, PEOPLE_TABLES].join("\n"), compatibleFrom: 1 },
  { sql: MOVE_TABLES, compatibleFrom: 1 },
  { sql: COMMITTED_TABLES, compatibleFrom: 1 },
  { sql: SESSION_TABLES, compatibleFrom: 1 },
  { sql: VISIT_TABLES, compatibleFrom: 1 },
  { sql: KEPT_TABLES, compatibleFrom: 1 },
];
