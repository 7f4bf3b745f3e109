/**
 * What has come from an installation on one machine, and how far that is. What is noted of jobs in
 * the audit log comes along, so that it is not noted again when they come.
 */
export const MOVE_TABLES = `
  CREATE TABLE moves (
    source TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    local_owner TEXT NOT NULL,
    has_files INTEGER NOT NULL,
    has_closed INTEGER NOT NULL,
    jobs_base BIGINT NOT NULL,
    chat_turns_base BIGINT NOT NULL,
    audit_log_base BIGINT NOT NULL,
    ended_at BIGINT,
    xact XID8
  );
  CREATE TABLE moved_tables (
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    up_to BIGINT NOT NULL,
    rows BIGINT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (source, name)
  );
  DROP TRIGGER audit_job_started ON jobs;
  CREATE TRIGGER audit_job_started AFTER INSERT ON jobs
    FOR EACH ROW WHEN (current_setting('longcat_mcp.moving', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION audit_job();
  DROP TRIGGER audit_job_deleted ON deleted_jobs;
  CREATE TRIGGER audit_job_deleted AFTER INSERT ON deleted_jobs
    FOR EACH ROW WHEN (current_setting('longcat_mcp.moving', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION audit_deletion();`;
