import type { JobFigures } from "../../jobs/job-figures.ts";
import { readFigures } from "../rows/counted-rows.ts";
import { UNFINISHED } from "../rows/job-rows.ts";
import type { Connection } from "./connection.ts";

/** How the jobs of everybody stand; the time it takes does not grow with those that have ended. */
export function figuresOf(connection: Connection): JobFigures {
  const counted = connection.all("SELECT * FROM job_figures WHERE jobs > 0", []);
  const oldest = connection.all(
    `SELECT state, min(created_at) AS createdAt FROM jobs WHERE ${UNFINISHED} GROUP BY state`,
    [],
  );
  return readFigures(counted, oldest);
}
