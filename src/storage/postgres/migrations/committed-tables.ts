import { ALL_OWNERS } from "../committed-rows.ts";

const CHANGING = ["owner", "created_at", "charge", "cost_usd", "reserved_usd"];

/**
 * What the jobs of a day have cost or may still cost, of each owner and of all, kept by triggers:
 * every admission asks how much of the month is committed, however many jobs there are by then. So
 * replicas of the version before keep them as well. Exact numbers, so that whatever is added and
 * taken away leaves nothing behind; and a job that costs what was reserved for it, as most do,
 * changes them once, with its admission.
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
  CREATE FUNCTION add_money(whose TEXT, created_at BIGINT, more NUMERIC)
  RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    IF more = 0 THEN RETURN; END IF;
    INSERT INTO money_days AS kept
      VALUES (whose, created_at / 86400000, more), ('${ALL_OWNERS}', created_at / 86400000, more)
      ON CONFLICT (owner, day) DO UPDATE SET usd = kept.usd + excluded.usd;
  END $$;
  CREATE FUNCTION keep_money() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP <> 'INSERT' THEN
      PERFORM add_money(OLD.owner, OLD.created_at,
        -committed_usd(OLD.charge, OLD.cost_usd, OLD.reserved_usd));
    END IF;
    IF TG_OP <> 'DELETE' THEN
      PERFORM add_money(NEW.owner, NEW.created_at,
        committed_usd(NEW.charge, NEW.cost_usd, NEW.reserved_usd));
    END IF;
    RETURN NULL;
  END $$;
  LOCK TABLE jobs, deleted_jobs IN SHARE ROW EXCLUSIVE MODE;
  ${kept("jobs")}
  ${kept("deleted_jobs")}
  SET LOCAL statement_timeout TO 0;
  INSERT INTO money_days
    SELECT coalesce(owner, '${ALL_OWNERS}'), day, sum(usd) FROM (
      SELECT owner, created_at / 86400000 AS day,
        committed_usd(charge, cost_usd, reserved_usd) AS usd
      FROM (
        SELECT owner, created_at, charge, cost_usd, reserved_usd FROM jobs UNION ALL
        SELECT owner, created_at, charge, cost_usd, reserved_usd FROM deleted_jobs) AS charged
    ) AS committed
    WHERE usd <> 0 GROUP BY GROUPING SETS ((owner, day), (day));`;

function kept(table: string): string {
  const committed = (row: string) =>
    `committed_usd(${row}.charge, ${row}.cost_usd, ${row}.reserved_usd)`;
  return `
  CREATE TRIGGER ${table}_money AFTER INSERT OR DELETE ON ${table}
    FOR EACH ROW EXECUTE FUNCTION keep_money();
  CREATE TRIGGER ${table}_money_changed AFTER UPDATE OF ${CHANGING.join(", ")} ON ${table}
    FOR EACH ROW WHEN (OLD.owner <> NEW.owner OR OLD.created_at <> NEW.created_at
      OR ${committed("OLD")} <> ${committed("NEW")})
    EXECUTE FUNCTION keep_money();`;
}
