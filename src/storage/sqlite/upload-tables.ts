/** What is uploaded, and may be: the secrets of addresses as digests, the files by their names. */
export const UPLOAD_TABLES = `
  CREATE TABLE uploads (
    upload_id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    secret_hash TEXT NOT NULL UNIQUE,
    filename TEXT,
    created_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    file TEXT,
    kind TEXT,
    mime_type TEXT,
    extension TEXT,
    size_bytes INTEGER,
    sha256 TEXT,
    received_at INTEGER,
    kept_until INTEGER
  ) STRICT;
  CREATE INDEX uploads_of_owner ON uploads (owner);`;
