import * as z from "zod";
import type { DeletedJob, DoomedFile } from "../../jobs/deletion.ts";

export const deletedRow = z
  .object({
    owner: z.string(),
    job_id: z.string(),
    indexes: z.string().transform((json) => z.array(z.number()).parse(JSON.parse(json))),
  })
  .transform(({ owner, job_id, indexes }): DeletedJob => ({ owner, jobId: job_id, indexes }));
export const doomedRow = z
  .object({ owner: z.string(), job_id: z.string(), ref: z.string() })
  .transform(({ owner, job_id, ref }): DoomedFile => ({ owner, jobId: job_id, ref }));
