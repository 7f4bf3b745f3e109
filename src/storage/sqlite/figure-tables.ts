/**
 * How many jobs there are of each state, operation and charge, and what they cost, kept while they
 * change: whoever watches the program asks every few seconds, however many jobs there are by then.
 * Money is in whole millionths of a dollar, so that adding and taking away leaves nothing behind.
 */
export const FIGURE_TABLES = `
  CREATE TABLE job_figures (
    state TEXT NOT NULL,
    operation TEXT NOT NULL,
    charge TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    micro_usd INTEGER NOT NULL,
    PRIMARY KEY (state, operation, charge)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX jobs_waiting ON jobs (state, created_at)
    WHERE state IN ('queued', 'submitting', 'running', 'downloading');
  INSERT INTO job_figures
    SELECT state, operation, charge, count(*), sum(${microUsd()}) FROM (
      SELECT state, operation, charge, cost_usd, reserved_usd FROM jobs UNION ALL
      SELECT 'deleted', operation, charge, cost_usd, reserved_usd FROM deleted_jobs)
    GROUP BY 1, 2, 3;
  ${counting("jobs", "state")}
  CREATE TRIGGER jobs_counted_again AFTER UPDATE OF state, operation, charge, cost_usd, reserved_usd
    ON jobs BEGIN
      ${counted("old", "old.state", -1)}
      ${counted("new", "new.state", 1)}
    END;
  ${counting("deleted_jobs", "'deleted'")}`;

function counting(table: string, state: string): string {
  const of = (row: string) => (state === "state" ? `${row}.state` : state);
  return `
  CREATE TRIGGER ${table}_counted AFTER INSERT ON ${table}
    BEGIN ${counted("new", of("new"), 1)} END;
  CREATE TRIGGER ${table}_uncounted AFTER DELETE ON ${table}
    BEGIN ${counted("old", of("old"), -1)} END;`;
}

function counted(row: string, state: string, sign: 1 | -1): string {
  return `INSERT INTO job_figures
    VALUES (${state}, ${row}.operation, ${row}.charge, ${sign}, ${sign} * (${microUsd(`${row}.`)}))
    ON CONFLICT DO UPDATE SET
      jobs = jobs + excluded.jobs, micro_usd = micro_usd + excluded.micro_usd;`;
}

function microUsd(of = ""): string {
  return `CASE ${of}charge WHEN 'none' THEN 0
    ELSE CAST(round(coalesce(${of}cost_usd, ${of}reserved_usd, 0) * 1000000) AS INTEGER) END`;
}
