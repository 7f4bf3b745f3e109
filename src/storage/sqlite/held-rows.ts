import * as z from "zod";
import type { Held } from "../../jobs/quotas.ts";
import { UNFINISHED } from "../rows/job-rows.ts";
import type { Connection } from "./connection.ts";

const numberRow = z.object({ n: z.number() });

/** How much an owner has; what has ended counts for nothing in how long that takes. */
export function heldBy(connection: Connection, owner: string): Held {
  const one = (sql: string) => numberRow.parse(connection.all(sql, [owner])[0]).n;
  return {
    runningJobs: one(`SELECT count(*) AS n FROM jobs WHERE owner = ? AND ${UNFINISHED}`),
    keptBytes: one("SELECT coalesce(sum(bytes), 0) AS n FROM kept_sums WHERE owner = ?"),
  };
}
