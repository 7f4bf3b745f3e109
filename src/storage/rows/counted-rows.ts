import * as z from "zod";
import { MICRODOLLARS } from "../../core/money.ts";
import { CHARGES, JOB_STATES } from "../../jobs/job.ts";
import type { JobFigures } from "../../jobs/job-figures.ts";

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

/** Rows of `job_figures`, and of the oldest unfinished job of each state. */
export function readFigures(counted: readonly unknown[], oldest: readonly unknown[]): JobFigures {
  return {
    counted: counted.map((row) => countedRow.parse(row)),
    oldest: oldest.map((row) => oldestRow.parse(row)),
  };
}
