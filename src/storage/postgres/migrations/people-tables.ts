const ENDED = "('completed', 'failed', 'errored', 'unknown', 'cancelled')";

/**
 * Users, that there have been any, and what has happened. The audit log is written with what it
 * tells of, by triggers where that is a job: so no path through the program can leave it out, and a
 * process that ends leaves neither without the other. Triggers also keep it from being changed.
 */
export const PEOPLE_TABLES = `
  CREATE TABLE users (
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    user_id TEXT NOT NULL PRIMARY KEY,
    name TEXT,
    scopes TEXT NOT NULL,
    per_day_usd DOUBLE PRECISION,
    per_month_usd DOUBLE PRECISION,
    issuer TEXT,
    subject TEXT,
    forgotten_subject TEXT,
    token_hash TEXT,
    token_made_at BIGINT,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    erased_at BIGINT
  );
  CREATE UNIQUE INDEX users_by_name ON users (name)
    WHERE name IS NOT NULL AND revoked_at IS NULL;
  CREATE UNIQUE INDEX users_by_token ON users (token_hash) WHERE token_hash IS NOT NULL;
  CREATE INDEX users_by_subject ON users (subject) WHERE subject IS NOT NULL;
  CREATE INDEX users_by_forgotten_subject ON users (forgotten_subject)
    WHERE forgotten_subject IS NOT NULL;
  CREATE TABLE issuers (
    issuer TEXT NOT NULL PRIMARY KEY,
    started_at BIGINT NOT NULL
  );
  CREATE TABLE closed (closed_at BIGINT NOT NULL);

  CREATE TABLE audit_log (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    owner TEXT,
    tool TEXT,
    job_id TEXT,
    request_id TEXT,
    thread_id TEXT,
    state TEXT,
    charge TEXT,
    usd DOUBLE PRECISION,
    address TEXT
  );
  CREATE INDEX audit_log_by_time ON audit_log (at);
  CREATE UNIQUE INDEX audit_log_refusals ON audit_log (at, address)
    WHERE event = 'login_refused';
  CREATE TABLE refused_logins (
    seq BIGINT NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL
  );

  CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'the audit log only grows';
  END $$;
  CREATE TRIGGER audit_log_stays BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows();
  CREATE TRIGGER audit_log_stays_whole BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
  CREATE TRIGGER refused_logins_stay BEFORE DELETE ON refused_logins
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows();
  CREATE TRIGGER refused_logins_stay_whole BEFORE TRUNCATE ON refused_logins
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
  CREATE TRIGGER refused_logins_grow BEFORE UPDATE ON refused_logins FOR EACH ROW
    WHEN (NEW.seq <> OLD.seq OR NEW.count < OLD.count) EXECUTE FUNCTION audit_only_grows();

  CREATE FUNCTION audit_job() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    is_found BOOLEAN := FALSE;
    is_settled BOOLEAN := FALSE;
    has_ended BOOLEAN := FALSE;
    name TEXT;
  BEGIN
    IF TG_OP = 'INSERT' THEN
      INSERT INTO audit_log (at, event, owner, tool, job_id, state, charge, usd, request_id)
      VALUES (NEW.created_at,
        CASE WHEN NEW.request_id IS NULL THEN 'job_started' ELSE 'job_adopted' END,
        NEW.owner, NEW.operation, NEW.job_id, NEW.state, NEW.charge,
        coalesce(NEW.cost_usd, NEW.reserved_usd), NEW.request_id);
      RETURN NULL;
    END IF;
    is_found := OLD.state = 'unknown' AND NEW.request_id IS NOT NULL
      AND NEW.request_id IS DISTINCT FROM OLD.request_id;
    is_settled := NEW.settled_at IS NOT NULL AND NEW.settled_at IS DISTINCT FROM OLD.settled_at;
    has_ended := NEW.state <> OLD.state AND NEW.state IN ${ENDED};
    IF is_settled OR has_ended OR NEW.charge <> OLD.charge
      OR NEW.cost_usd IS DISTINCT FROM OLD.cost_usd
    THEN
      name := CASE
        WHEN is_settled THEN 'job_settled'
        WHEN has_ended AND NEW.state = 'cancelled' THEN 'job_cancelled'
        WHEN has_ended THEN 'job_ended'
        ELSE 'job_charged'
      END;
      INSERT INTO audit_log (at, event, owner, tool, job_id, state, charge, usd)
      VALUES (NEW.updated_at, name, NEW.owner, NEW.operation, NEW.job_id, NEW.state, NEW.charge,
        coalesce(NEW.cost_usd, NEW.reserved_usd));
    END IF;
    IF is_found THEN
      INSERT INTO audit_log (at, event, owner, tool, job_id, state, charge, usd, request_id)
      VALUES (NEW.updated_at, 'job_found', NEW.owner, NEW.operation, NEW.job_id, NEW.state,
        NEW.charge, coalesce(NEW.cost_usd, NEW.reserved_usd), NEW.request_id);
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER audit_job_started AFTER INSERT ON jobs
    FOR EACH ROW EXECUTE FUNCTION audit_job();
  CREATE TRIGGER audit_job_changed
    AFTER UPDATE OF state, charge, cost_usd, settled_at, request_id ON jobs
    FOR EACH ROW EXECUTE FUNCTION audit_job();

  CREATE FUNCTION audit_deletion() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit_log (at, event, owner, tool, job_id, charge, usd)
    VALUES (NEW.deleted_at, 'job_deleted', NEW.owner, NEW.operation, NEW.job_id, NEW.charge,
      coalesce(NEW.cost_usd, NEW.reserved_usd));
    RETURN NULL;
  END $$;
  CREATE TRIGGER audit_job_deleted AFTER INSERT ON deleted_jobs
    FOR EACH ROW EXECUTE FUNCTION audit_deletion();`;
