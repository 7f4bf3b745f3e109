/**
 * What of the audit log came later: that a job was made of a request that somebody knew, or that a
 * lost one got its request back, each with the request's id, and conversations that were deleted.
 */
export const AUDIT_TABLES = `
  ALTER TABLE audit_log ADD COLUMN request_id TEXT;
  ALTER TABLE audit_log ADD COLUMN thread_id TEXT;
  DROP TRIGGER audit_job_started;
  CREATE TRIGGER audit_job_started AFTER INSERT ON jobs BEGIN
    INSERT INTO audit_log (at, event, owner, tool, job_id, state, charge, usd, request_id)
    VALUES (new.created_at,
      CASE WHEN new.request_id IS NULL THEN 'job_started' ELSE 'job_adopted' END,
      new.owner, new.operation, new.job_id, new.state, new.charge,
      coalesce(new.cost_usd, new.reserved_usd), new.request_id);
  END;
  CREATE TRIGGER audit_job_found AFTER UPDATE OF request_id ON jobs
    WHEN old.state = 'unknown' AND new.request_id IS NOT NULL
      AND new.request_id IS NOT old.request_id
  BEGIN
    INSERT INTO audit_log (at, event, owner, tool, job_id, state, charge, usd, request_id)
    VALUES (new.updated_at, 'job_found', new.owner, new.operation, new.job_id, new.state,
      new.charge, coalesce(new.cost_usd, new.reserved_usd), new.request_id);
  END;`;
