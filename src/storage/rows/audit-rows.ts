import * as z from "zod";
import { CHARGES, JOB_STATES } from "../../jobs/job.ts";
import { AUDIT_EVENTS, type AuditEntry } from "../../users/audit-log.ts";

const entryRow = z
  .object({
    at: z.number(),
    event: z.enum(AUDIT_EVENTS),
    owner: z.string().nullable(),
    tool: z.string().nullable(),
    job_id: z.string().nullable(),
    request_id: z.string().nullable(),
    thread_id: z.string().nullable(),
    state: z.enum(JOB_STATES).nullable(),
    charge: z.enum(CHARGES).nullable(),
    usd: z.number().nullable(),
    address: z.string().nullable(),
    count: z.number().nullable(),
  })
  .transform(
    (row): AuditEntry => ({
      at: row.at,
      event: row.event,
      owner: row.owner ?? undefined,
      tool: row.tool ?? undefined,
      jobId: row.job_id ?? undefined,
      requestId: row.request_id ?? undefined,
      threadId: row.thread_id ?? undefined,
      state: row.state ?? undefined,
      charge: row.charge ?? undefined,
      usd: row.usd ?? undefined,
      address: row.address ?? undefined,
      count: row.count ?? undefined,
    }),
  );

/** A row of `audit_log`, with the count of `refused_logins`. */
export function readEntry(row: unknown): AuditEntry {
  return entryRow.parse(row);
}
