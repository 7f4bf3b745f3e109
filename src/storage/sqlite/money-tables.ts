/**
 * What an owner's jobs of a day have cost or may cost, by operation and charge, kept while they
 * change: every start asks how much of the month is spent, however many jobs there are by then.
 * Jobs without a charge are in none of it. Sums are kept as they are added up elsewhere, in dollars;
 * a row whose last job goes takes with it what adding and taking away has left behind.
 */
export const MONEY_TABLES = `
  CREATE TABLE money_days (
    owner TEXT NOT NULL,
    day INTEGER NOT NULL,
    operation TEXT NOT NULL,
    charge TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    usd REAL NOT NULL,
    committed_usd REAL NOT NULL,
    PRIMARY KEY (owner, day, operation, charge)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX money_days_by_day ON money_days (day);
  INSERT INTO money_days
    SELECT owner, ${dayOf()}, operation, charge, count(*), total(${isUnpriced()}), total(${usd()}),
      total(${committedUsd()})
    FROM (
      SELECT owner, created_at, operation, charge, cost_usd, reserved_usd FROM jobs UNION ALL
      SELECT owner, created_at, operation, charge, cost_usd, reserved_usd FROM deleted_jobs)
    WHERE charge <> 'none' GROUP BY 1, 2, 3, 4;
  ${summing("jobs")}
  ${summing("deleted_jobs")}`;

/** As SQL: the day of a job, counted from 1970 on. */
export function dayOf(of = ""): string {
  return `(${of}created_at / 86400000)`;
}

/** As SQL: 1 for a job of which nobody knows what it costs. */
export function isUnpriced(of = ""): string {
  return `(coalesce(${of}cost_usd, ${of}reserved_usd) IS NULL)`;
}

/** As SQL: what a job counts as under its charge. */
export function usd(of = ""): string {
  return `coalesce(
    CASE ${of}charge WHEN 'spent' THEN coalesce(${of}cost_usd, ${of}reserved_usd)
    ELSE ${of}reserved_usd END, 0)`;
}

/** What a job counts as against a cap. */
function committedUsd(of = ""): string {
  return `coalesce(${of}cost_usd, ${of}reserved_usd, 0)`;
}

function summing(table: string): string {
  const columns = ["owner", "created_at", "operation", "charge", "cost_usd", "reserved_usd"];
  const differs = columns.map((name) => `new.${name} IS NOT old.${name}`).join(" OR ");
  return `
  CREATE TRIGGER ${table}_summed AFTER INSERT ON ${table} WHEN new.charge <> 'none'
    BEGIN ${added("new", 1)} END;
  CREATE TRIGGER ${table}_taken_away AFTER DELETE ON ${table} WHEN old.charge <> 'none'
    BEGIN ${added("old", -1)} ${emptied()} END;
  CREATE TRIGGER ${table}_summed_again AFTER UPDATE OF ${columns.join(", ")} ON ${table}
    WHEN ${differs}
    BEGIN ${added("old", -1)} ${added("new", 1)} ${emptied()} END;`;
}

function added(row: string, sign: 1 | -1): string {
  const of = `${row}.`;
  return `INSERT INTO money_days
    SELECT ${of}owner, ${dayOf(of)}, ${of}operation, ${of}charge, ${sign},
      ${sign} * ${isUnpriced(of)}, ${sign} * ${usd(of)}, ${sign} * ${committedUsd(of)}
    WHERE ${of}charge <> 'none'
    ON CONFLICT DO UPDATE SET
      jobs = jobs + excluded.jobs, unpriced = unpriced + excluded.unpriced,
      usd = usd + excluded.usd, committed_usd = committed_usd + excluded.committed_usd;`;
}

function emptied(): string {
  return `DELETE FROM money_days WHERE owner = old.owner AND day = ${dayOf("old.")}
    AND operation = old.operation AND charge = old.charge AND jobs = 0;`;
}
