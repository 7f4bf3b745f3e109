import * as z from "zod";
import { CHARGES, JOB_STATES } from "../../jobs/job.ts";
import type { JobFigures } from "../../jobs/job-figures.ts";
import type { Connection } from "./connection.ts";
import { UNFINISHED } from "./job-rows.ts";

const MICRODOLLARS = 1e6;

const countedRow = z
  .object({
    state: z.enum([...JOB_STATES, "deleted"]),
    operation: z.string(),
    charge: z.enum(CHARGES),
    jobs: z.number(),
    micro_usd: z.number(),
  })
  .transform(({ micro_usd, ...row }) => ({ ...row, usd: micro_usd / MICRODOLLARS }));
const oldestRow = z.object({ state: z.enum(JOB_STATES), createdAt: z.number() });

/** How the jobs of everybody stand; the time it takes does not grow with those that have ended. */
export function figuresOf(connection: Connection): JobFigures {
  const counted = connection.all("SELECT * FROM job_figures WHERE jobs > 0", []);
  const oldest = connection.all(
    `SELECT state, min(created_at) AS createdAt FROM jobs WHERE ${UNFINISHED} GROUP BY state`,
    [],
  );
  return {
    counted: counted.map((row) => countedRow.parse(row)),
    oldest: oldest.map((row) => oldestRow.parse(row)),
  };
}
