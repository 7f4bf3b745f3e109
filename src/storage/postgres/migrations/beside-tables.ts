/** What jobs need of files that are served, what is uploaded, and what webhooks need. */
export const BESIDE_TABLES = `
  CREATE TABLE hosted_files (
    job_id TEXT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    holder TEXT NOT NULL,
    claimed_at BIGINT NOT NULL,
    PRIMARY KEY (job_id, name)
  );
  CREATE INDEX hosted_files_by_name ON hosted_files (name);

  CREATE TABLE uploads (
    upload_id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    secret_hash TEXT NOT NULL UNIQUE,
    filename TEXT,
    created_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    file TEXT,
    kind TEXT,
    mime_type TEXT,
    extension TEXT,
    size_bytes BIGINT,
    sha256 TEXT,
    received_at BIGINT,
    kept_until BIGINT
  );
  CREATE INDEX uploads_of_owner ON uploads (owner);

  CREATE TABLE webhook_secrets (
    job_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    handle TEXT NOT NULL,
    owner TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (job_id, digest)
  );
  CREATE INDEX webhook_secrets_by_handle ON webhook_secrets (handle);
  CREATE TABLE webhook_calls (
    job_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    heard_at BIGINT NOT NULL,
    taken_by TEXT,
    taken_at BIGINT,
    PRIMARY KEY (job_id, request_id)
  );
  CREATE FUNCTION webhooks_go() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM webhook_secrets WHERE job_id = OLD.job_id;
    DELETE FROM webhook_calls WHERE job_id = OLD.job_id;
    RETURN NULL;
  END $$;
  CREATE TRIGGER webhooks_go AFTER DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION webhooks_go();

  CREATE TABLE answered_questions (
    question TEXT NOT NULL PRIMARY KEY,
    ends_at BIGINT NOT NULL
  );
  CREATE TABLE store_secret (secret BYTEA NOT NULL);`;
