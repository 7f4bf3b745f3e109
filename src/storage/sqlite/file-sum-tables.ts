/**
 * How many bytes the finished files of an owner's jobs have, kept while the jobs change: every start
 * of one of several users asks for it, however many jobs there are by then. An owner without any has
 * no row.
 */
export const FILE_SUM_TABLES = `
  CREATE TABLE kept_sums (
    owner TEXT NOT NULL PRIMARY KEY,
    bytes INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO kept_sums
    SELECT owner, sum(${bytesOf("media")}) AS bytes FROM jobs WHERE media <> '[]'
    GROUP BY owner HAVING bytes > 0;
  CREATE TRIGGER jobs_kept AFTER INSERT ON jobs WHEN new.media <> '[]'
    BEGIN ${added("new", 1)} END;
  CREATE TRIGGER jobs_kept_no_more AFTER DELETE ON jobs WHEN old.media <> '[]'
    BEGIN ${added("old", -1)} ${emptied()} END;
  CREATE TRIGGER jobs_kept_again AFTER UPDATE OF owner, media ON jobs
    WHEN new.owner <> old.owner OR new.media <> old.media
    BEGIN ${added("old", -1)} ${added("new", 1)} ${emptied()} END;`;

/** Is a part of another one, by state and time, which is used for all that this was made for. */
export const UNUSED_INDEX = "DROP INDEX jobs_unfinished;";

function bytesOf(media: string): string {
  return `(SELECT coalesce(sum(CAST(value ->> 'sizeBytes' AS INTEGER)), 0) FROM json_each(${media}))`;
}

function added(row: string, sign: 1 | -1): string {
  return `INSERT INTO kept_sums
    SELECT ${row}.owner, ${sign} * ${bytesOf(`${row}.media`)} WHERE ${row}.media <> '[]'
    ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes;`;
}

function emptied(): string {
  return "DELETE FROM kept_sums WHERE owner = old.owner AND bytes = 0;";
}
