/**
 * The tables of the full-text search, and the indexes that keep lists and sums flat. SQLite only
 * parts the words at spaces: what a word is is decided by `core/search-words.ts`. Which words stand where
 * in a text is not kept (`detail=none`), for nothing asks for it.
 *
 * What is there already is filled in by the first search, newest first and some at a time, so that
 * no start waits for it: `search_filling` says below which row that is left to do.
 */
export const SEARCH_TABLES = `
  ${searchTable("job_words", "asked, files")}
  CREATE TRIGGER job_words_go AFTER DELETE ON jobs
    BEGIN DELETE FROM job_words WHERE rowid = old.seq; END;
  ${searchTable("turn_words", "asked")}
  CREATE TRIGGER turn_words_go AFTER DELETE ON chat_turns
    BEGIN DELETE FROM turn_words WHERE rowid = old.seq; END;
  CREATE TABLE search_filling (
    name TEXT NOT NULL PRIMARY KEY,
    below INTEGER NOT NULL
  ) STRICT;
  INSERT INTO search_filling SELECT 'job_words', max(seq) + 1 FROM jobs HAVING count(*) > 0;
  INSERT INTO search_filling SELECT 'turn_words', max(seq) + 1 FROM chat_turns HAVING count(*) > 0;
  CREATE INDEX jobs_of_owner ON jobs (owner);
  CREATE INDEX jobs_by_operation ON jobs (owner, operation);
  CREATE INDEX jobs_by_state ON jobs (owner, state);
  CREATE INDEX jobs_by_money
    ON jobs (owner, created_at, charge, operation, cost_usd, reserved_usd);
  CREATE TABLE chat_usage (
    job_id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    model TEXT NOT NULL,
    tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX chat_usage_by_time ON chat_usage (owner, created_at);
  INSERT INTO chat_usage
    SELECT job_id, owner, chat_turns.created_at, request ->> 'model',
      coalesce(outcome ->> 'inputTokens', 0), coalesce(outcome ->> 'outputTokens', 0)
    FROM chat_turns JOIN chat_threads USING (thread_id)
    WHERE coalesce(outcome ->> 'inputTokens', outcome ->> 'outputTokens') IS NOT NULL;`;

/**
 * Jobs whose words the index does not have yet, or no longer as they are. A job is recorded and
 * changed in many small transactions, each of which would write a dozen pages of the index; here it
 * is a number, and what many jobs are found by is written at once, at the latest by the next search.
 */
export const PENDING_WORDS = `
  CREATE TABLE pending_words (seq INTEGER NOT NULL PRIMARY KEY) STRICT;
  CREATE TRIGGER pending_words_go AFTER DELETE ON jobs
    BEGIN DELETE FROM pending_words WHERE seq = old.seq; END;`;

/** Deleted entries leave the index at once, rather than with some later merge of its parts. */
function searchTable(name: string, columns: string): string {
  return `CREATE VIRTUAL TABLE ${name}
    USING fts5(${columns}, tokenize = 'ascii', detail = none, columnsize = 0);
  INSERT INTO ${name} (${name}, rank) VALUES ('secure-delete', 1);
  CREATE VIRTUAL TABLE ${name}_known USING fts5vocab(${name}, row);`;
}
