/**
 * Users, that there have been any, and what has happened. The audit log is written with what it
 * tells of, by triggers where that is a job: so no path through the program can leave it out, and a
 * process that ends leaves neither without the other. Triggers also keep it from being changed.
 */
export const USER_TABLES = `
  CREATE TABLE users (
    user_id TEXT NOT NULL PRIMARY KEY,
    name TEXT,
    scopes TEXT NOT NULL,
    per_day_usd REAL,
    per_month_usd REAL,
    issuer TEXT,
    subject TEXT,
    forgotten_subject TEXT,
    token_hash TEXT,
    token_made_at INTEGER,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    erased_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX users_by_name ON users (name)
    WHERE name IS NOT NULL AND revoked_at IS NULL;
  CREATE UNIQUE INDEX users_by_token ON users (token_hash) WHERE token_hash IS NOT NULL;
  CREATE INDEX users_by_subject ON users (subject) WHERE subject IS NOT NULL;
  CREATE INDEX users_by_forgotten_subject ON users (forgotten_subject)
    WHERE forgotten_subject IS NOT NULL;
  CREATE TABLE issuers (
    issuer TEXT NOT NULL PRIMARY KEY,
    started_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE closed (closed_at INTEGER NOT NULL) STRICT;

  CREATE TABLE audit_log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    owner TEXT,
    tool TEXT,
    job_id TEXT,
    state TEXT,
    charge TEXT,
    usd REAL,
    address TEXT
  ) STRICT;
  CREATE INDEX audit_log_by_time ON audit_log (at);
  CREATE UNIQUE INDEX audit_log_refusals ON audit_log (at, address)
    WHERE event = 'login_refused';
  CREATE TABLE refused_logins (
    seq INTEGER NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL
  ) STRICT;
  ${onlyGrows("audit_log", "UPDATE")}
  ${onlyGrows("audit_log", "DELETE")}
  ${onlyGrows("refused_logins", "DELETE")}
  ${onlyGrows("refused_logins", "UPDATE", "WHEN new.seq <> old.seq OR new.count < old.count")}
  ${onlyGrows(
    "audit_log",
    "INSERT",
    `WHEN EXISTS (SELECT 1 FROM audit_log WHERE seq = new.seq) OR (new.event = 'login_refused'
      AND EXISTS (SELECT 1 FROM audit_log
        WHERE at = new.at AND address = new.address AND event = 'login_refused'))`,
  )}
  ${onlyGrows(
    "refused_logins",
    "INSERT",
    "WHEN EXISTS (SELECT 1 FROM refused_logins WHERE seq = new.seq)",
  )}

  CREATE TRIGGER audit_job_started AFTER INSERT ON jobs BEGIN
    INSERT INTO audit_log (at, event, owner, tool, job_id, state, charge, usd)
    VALUES (new.created_at, 'job_started', new.owner, new.operation, new.job_id, new.state,
      new.charge, coalesce(new.cost_usd, new.reserved_usd));
  END;
  CREATE TRIGGER audit_job_changed AFTER UPDATE OF state, charge, cost_usd, settled_at ON jobs
    WHEN new.charge <> old.charge OR new.cost_usd IS NOT old.cost_usd
      OR (new.settled_at IS NOT NULL AND new.settled_at IS NOT old.settled_at)
      OR (new.state <> old.state
        AND new.state NOT IN ('queued', 'submitting', 'running', 'downloading'))
  BEGIN
    INSERT INTO audit_log (at, event, owner, tool, job_id, state, charge, usd)
    VALUES (new.updated_at,
      CASE
        WHEN new.settled_at IS NOT NULL AND new.settled_at IS NOT old.settled_at
          THEN 'job_settled'
        WHEN new.state <> old.state AND new.state = 'cancelled' THEN 'job_cancelled'
        WHEN new.state <> old.state
          AND new.state NOT IN ('queued', 'submitting', 'running', 'downloading') THEN 'job_ended'
        ELSE 'job_charged'
      END,
      new.owner, new.operation, new.job_id, new.state, new.charge,
      coalesce(new.cost_usd, new.reserved_usd));
  END;
  CREATE TRIGGER audit_job_deleted AFTER INSERT ON deleted_jobs BEGIN
    INSERT INTO audit_log (at, event, owner, tool, job_id, charge, usd)
    VALUES (new.deleted_at, 'job_deleted', new.owner, new.operation, new.job_id, new.charge,
      coalesce(new.cost_usd, new.reserved_usd));
  END;`;

/** An insert in place of a row is told by no trigger on deletions. */
function onlyGrows(table: string, change: "INSERT" | "UPDATE" | "DELETE", when = ""): string {
  return `CREATE TRIGGER ${table}_keeps_${change.toLowerCase()} BEFORE ${change} ON ${table} ${when}
    BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;`;
}
