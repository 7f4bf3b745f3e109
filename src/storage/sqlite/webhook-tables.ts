/**
 * What webhooks need. `request_claim` repeats the request id of the first job that had it: what is
 * found may be given to one job only, and earlier versions let several have the same.
 */
export const WEBHOOK_TABLES = `ALTER TABLE jobs ADD COLUMN request_claim TEXT;
  UPDATE jobs SET request_claim = request_id WHERE request_id IS NOT NULL
    AND seq = (SELECT min(seq) FROM jobs AS first WHERE first.request_id = jobs.request_id);
  CREATE UNIQUE INDEX jobs_by_claim ON jobs (request_claim) WHERE request_claim IS NOT NULL;
  CREATE TABLE webhook_secrets (
    job_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    handle TEXT NOT NULL,
    owner TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (job_id, digest)
  ) STRICT;
  CREATE INDEX webhook_secrets_by_handle ON webhook_secrets (handle);
  CREATE TABLE webhook_calls (
    job_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    heard_at INTEGER NOT NULL,
    taken_by TEXT,
    taken_at INTEGER,
    PRIMARY KEY (job_id, request_id)
  ) STRICT;
  CREATE TRIGGER webhooks_go AFTER DELETE ON jobs BEGIN
    DELETE FROM webhook_secrets WHERE job_id = old.job_id;
    DELETE FROM webhook_calls WHERE job_id = old.job_id;
  END;`;
