/**
 * Jobs, what is left of deleted ones, and who follows them. `revision` and `xact` say when a row
 * was last changed, so that others hear of it: numbers of a sequence alone would be seen out of
 * order, because transactions end in another order than they begin.
 */
export const JOB_TABLES = `
  CREATE SEQUENCE revisions;
  CREATE TABLE jobs (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    operation TEXT NOT NULL,
    thread_id TEXT,
    base_url TEXT NOT NULL,
    save_to TEXT,
    state TEXT NOT NULL,
    charge TEXT NOT NULL,
    request_id TEXT,
    request_claim TEXT,
    upstream_status TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    accepted_at BIGINT,
    completed_at BIGINT,
    delivered_at BIGINT,
    mentioned_at BIGINT,
    settled_at BIGINT,
    fingerprint TEXT,
    idempotency_key TEXT,
    reserved_usd DOUBLE PRECISION,
    cost_usd DOUBLE PRECISION,
    error TEXT,
    media_urls TEXT NOT NULL,
    media TEXT NOT NULL,
    warnings TEXT NOT NULL,
    warnings_told BIGINT NOT NULL,
    orphaned INTEGER NOT NULL,
    lease_holder TEXT,
    fence BIGINT NOT NULL DEFAULT 0,
    revision BIGINT NOT NULL DEFAULT nextval('revisions'),
    xact XID8 NOT NULL DEFAULT pg_current_xact_id()
  );
  CREATE INDEX jobs_of_owner ON jobs (owner, seq);
  CREATE INDEX jobs_by_operation ON jobs (owner, operation, seq);
  CREATE INDEX jobs_by_state ON jobs (owner, state, seq);
  CREATE INDEX jobs_by_money ON jobs (owner, created_at) WHERE charge <> 'none';
  CREATE INDEX jobs_by_time ON jobs (created_at);
  CREATE INDEX jobs_by_request ON jobs (request_id) WHERE request_id IS NOT NULL;
  CREATE UNIQUE INDEX jobs_by_claim ON jobs (request_claim) WHERE request_claim IS NOT NULL;
  CREATE INDEX jobs_unfinished ON jobs (lease_holder)
    WHERE state IN ('queued', 'submitting', 'running', 'downloading');
  CREATE INDEX jobs_news ON jobs (owner)
    WHERE orphaned = 1 AND delivered_at IS NULL AND mentioned_at IS NULL;
  CREATE INDEX jobs_by_fingerprint ON jobs (fingerprint) WHERE fingerprint IS NOT NULL;
  CREATE UNIQUE INDEX jobs_by_key ON jobs (owner, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
  CREATE INDEX jobs_by_change ON jobs (xact);
  CREATE INDEX jobs_of_thread ON jobs (thread_id) WHERE thread_id IS NOT NULL;
  CREATE INDEX jobs_durations ON jobs (owner, operation, completed_at)
    WHERE state = 'completed' AND fingerprint IS NOT NULL;

  CREATE TABLE job_bodies (
    job_id TEXT PRIMARY KEY REFERENCES jobs (job_id) ON DELETE CASCADE,
    input TEXT NOT NULL,
    wire TEXT,
    prompt TEXT
  );
  CREATE TABLE job_words (
    job_id TEXT PRIMARY KEY REFERENCES jobs (job_id) ON DELETE CASCADE,
    asked TSVECTOR NOT NULL,
    files TSVECTOR NOT NULL
  );
  CREATE INDEX job_words_found ON job_words USING gin ((asked || files));

  CREATE TABLE deleted_jobs (
    job_id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    operation TEXT NOT NULL,
    base_url TEXT NOT NULL,
    request_id TEXT,
    charge TEXT NOT NULL,
    reserved_usd DOUBLE PRECISION,
    cost_usd DOUBLE PRECISION,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT NOT NULL,
    idempotency_key TEXT,
    fingerprint TEXT,
    duplicates_until BIGINT,
    indexes TEXT NOT NULL,
    revision BIGINT NOT NULL DEFAULT nextval('revisions'),
    xact XID8 NOT NULL DEFAULT pg_current_xact_id()
  );
  CREATE INDEX deleted_jobs_by_request ON deleted_jobs (request_id) WHERE request_id IS NOT NULL;
  CREATE INDEX deleted_jobs_by_key ON deleted_jobs (owner, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
  CREATE INDEX deleted_jobs_by_fingerprint ON deleted_jobs (fingerprint)
    WHERE fingerprint IS NOT NULL;
  CREATE INDEX deleted_jobs_by_money ON deleted_jobs (owner, created_at);
  CREATE INDEX deleted_jobs_by_change ON deleted_jobs (xact);
  CREATE TABLE doomed_files (
    job_id TEXT NOT NULL,
    ref TEXT NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (job_id, ref)
  );
  CREATE TABLE holders (
    holder TEXT PRIMARY KEY,
    beat BIGINT NOT NULL
  );`;
