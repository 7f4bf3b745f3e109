import { ALL_OWNERS } from "../committed-rows.ts";

const CHANGING = ["owner", "created_at", "charge", "cost_usd", "reserved_usd"];

/**
 * What the jobs of a day have cost or may still cost, of each owner and of all, kept by triggers:
 * every admission asks how much of the month is committed, however many jobs there are by then. So
 * replicas of the version before keep them as well. Exact numbers, so that whatever is added and
 * taken away leaves nothing behind; and a job that costs what was reserved for it, as most do,
 * changes them once, with its admission. Many that come or go in one statement are added up first:
 * within a transaction each change of a row makes the next one slower.
 */
export const COMMITTED_TABLES = `
  CREATE TABLE money_days (
    owner TEXT NOT NULL,
    day BIGINT NOT NULL,
    usd NUMERIC NOT NULL,
    PRIMARY KEY (owner, day)
  );
  CREATE FUNCTION committed_usd(charge TEXT, cost DOUBLE PRECISION, reserved DOUBLE PRECISION)
  RETURNS NUMERIC LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE charge WHEN 'none' THEN 0 ELSE CAST(coalesce(cost, reserved, 0) AS numeric) END
  $$;
  CREATE FUNCTION keep_money() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO money_days AS kept ${addedUp("CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END", "changed")}
      ON CONFLICT (owner, day) DO UPDATE SET usd = kept.usd + excluded.usd;
    RETURN NULL;
  END $$;
  CREATE FUNCTION keep_changed_money() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO money_days AS kept ${addedUp(
      "sign",
      `(SELECT -1 AS sign, ${valuesOf("OLD")} UNION ALL SELECT 1, ${valuesOf("NEW")}) AS changed`,
    )}
      ON CONFLICT (owner, day) DO UPDATE SET usd = kept.usd + excluded.usd;
    RETURN NULL;
  END $$;
  LOCK TABLE jobs, deleted_jobs IN SHARE ROW EXCLUSIVE MODE;
  ${kept("jobs")}
  ${kept("deleted_jobs")}
  SET LOCAL statement_timeout TO 0;
  INSERT INTO money_days ${addedUp(
    "1",
    `(SELECT ${CHANGING.join(", ")} FROM jobs
      UNION ALL SELECT ${CHANGING.join(", ")} FROM deleted_jobs) AS charged`,
  )};`;

/**
 * As SQL: the sums of some rows, by owner and day and of all by day, in the order in which everybody
 * changes them.
 */
function addedUp(sign: string, rows: string): string {
  return `
    SELECT coalesce(owner, '${ALL_OWNERS}') AS whose, day, sum(usd) FROM (
      SELECT owner, created_at / 86400000 AS day,
        ${sign} * committed_usd(charge, cost_usd, reserved_usd) AS usd
      FROM ${rows}
    ) AS committed
    WHERE usd <> 0 GROUP BY GROUPING SETS ((owner, day), (day)) HAVING sum(usd) <> 0
    ORDER BY whose, day`;
}

function valuesOf(row: string): string {
  return CHANGING.map((name) => `${row}.${name} AS ${name}`).join(", ");
}

function kept(table: string): string {
  const committed = (row: string) =>
    `committed_usd(${row}.charge, ${row}.cost_usd, ${row}.reserved_usd)`;
  const isSame = `OLD.owner = NEW.owner AND OLD.created_at = NEW.created_at
    AND ${committed("OLD")} = ${committed("NEW")}`;
  return `
  CREATE TRIGGER ${table}_money_comes AFTER INSERT ON ${table}
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_money();
  CREATE TRIGGER ${table}_money_goes AFTER DELETE ON ${table}
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_money();
  CREATE TRIGGER ${table}_money_changes AFTER UPDATE OF ${CHANGING.join(", ")} ON ${table}
    FOR EACH ROW WHEN (NOT (${isSame})) EXECUTE FUNCTION keep_changed_money();`;
}
