/**
 * Sessions of clients of the 2025 era. What a client was told and what was sent to another process is of
 * use for minutes, so that it is in no log: a server that crashes forgets it, and the sessions go on.
 */
export const SESSION_TABLES = `
  CREATE TABLE sessions (
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    handle TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    scopes TEXT NOT NULL,
    is_remote INTEGER NOT NULL,
    beginning BYTEA NOT NULL,
    has_listened INTEGER NOT NULL DEFAULT 0,
    subscribed JSONB NOT NULL DEFAULT '[]',
    used_at BIGINT NOT NULL,
    in_use_until BIGINT NOT NULL DEFAULT 0
  );
  CREATE INDEX sessions_of_owner ON sessions (owner);
  CREATE INDEX sessions_by_use ON sessions (used_at);
  CREATE UNLOGGED TABLE session_events (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    handle TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    stream TEXT NOT NULL,
    number BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    at BIGINT NOT NULL
  );
  CREATE INDEX session_events_of_stream ON session_events (handle, stream, number);
  CREATE INDEX session_events_by_time ON session_events (at);
  CREATE UNLOGGED TABLE session_letters (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    handle TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    writer TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    at BIGINT NOT NULL
  );
  CREATE INDEX session_letters_of_session ON session_letters (handle);
  CREATE INDEX session_letters_to_writer ON session_letters (writer);
  CREATE UNLOGGED TABLE session_writers (
    writer TEXT NOT NULL PRIMARY KEY,
    beat BIGINT NOT NULL,
    at BIGINT NOT NULL
  );`;
