/**
 * How many bytes the finished files of an owner's jobs have, kept by triggers: every start of one of
 * several users asks for it, however many jobs there are by then. So replicas of the version before
 * keep it as well. The triggers come after those of money by name, so that everybody changes the sums
 * of both in one order.
 */
export const KEPT_TABLES = `
  CREATE TABLE kept_sums (
    owner TEXT PRIMARY KEY,
    bytes BIGINT NOT NULL
  );
  CREATE FUNCTION bytes_of(media TEXT) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS $$
    SELECT CAST(coalesce(sum(CAST(medium ->> 'sizeBytes' AS numeric)), 0) AS bigint)
    FROM jsonb_array_elements(CAST(media AS jsonb)) AS medium
  $$;
  CREATE FUNCTION keep_sizes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO kept_sums AS kept ${addedUp("CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END", "changed")}
      ON CONFLICT (owner) DO UPDATE SET bytes = kept.bytes + excluded.bytes;
    ${emptied("TG_OP = 'DELETE'", "(SELECT owner FROM changed)")}
    RETURN NULL;
  END $$;
  CREATE FUNCTION keep_changed_sizes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO kept_sums AS kept ${addedUp(
      "sign",
      `(SELECT -1 AS sign, OLD.owner AS owner, OLD.media AS media
        UNION ALL SELECT 1, NEW.owner, NEW.media) AS changed`,
    )}
      ON CONFLICT (owner) DO UPDATE SET bytes = kept.bytes + excluded.bytes;
    ${emptied("TRUE", "(SELECT OLD.owner)")}
    RETURN NULL;
  END $$;
  LOCK TABLE jobs IN SHARE ROW EXCLUSIVE MODE;
  CREATE TRIGGER jobs_sizes_come AFTER INSERT ON jobs
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_sizes();
  CREATE TRIGGER jobs_sizes_go AFTER DELETE ON jobs
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_sizes();
  CREATE TRIGGER jobs_sizes_change AFTER UPDATE OF owner, media ON jobs
    FOR EACH ROW WHEN (OLD.owner <> NEW.owner OR OLD.media <> NEW.media)
    EXECUTE FUNCTION keep_changed_sizes();
  SET LOCAL statement_timeout TO 0;
  INSERT INTO kept_sums ${addedUp("1", "jobs")};`;

/** As SQL: the sums of some rows, in the order in which everybody changes them. */
function addedUp(sign: string, rows: string): string {
  return `
    SELECT owner, sum(${sign} * bytes_of(media)) AS bytes FROM ${rows} WHERE media <> '[]'
    GROUP BY owner HAVING sum(${sign} * bytes_of(media)) <> 0 ORDER BY owner`;
}

/** As SQL: an owner who has none any more leaves no row. */
function emptied(isNeeded: string, owners: string): string {
  return `IF ${isNeeded} THEN
      DELETE FROM kept_sums WHERE bytes = 0 AND owner IN ${owners};
    END IF;`;
}
