/** Conversations, what is attached to them, and what they have used. */
export const CHAT_TABLES = `
  CREATE TABLE chat_threads (
    thread_id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    title TEXT NOT NULL,
    latest BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
  );
  CREATE INDEX chat_threads_newest ON chat_threads (owner, latest);
  CREATE TABLE chat_turns (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id TEXT NOT NULL UNIQUE,
    thread_id TEXT NOT NULL,
    request TEXT NOT NULL,
    model TEXT NOT NULL,
    prompt TEXT NOT NULL,
    outcome TEXT,
    is_open INTEGER NOT NULL,
    created_at BIGINT NOT NULL
  );
  CREATE INDEX chat_turns_of_thread ON chat_turns (thread_id, seq);
  CREATE UNIQUE INDEX chat_turns_open ON chat_turns (thread_id) WHERE is_open = 1;
  CREATE TABLE turn_words (
    seq BIGINT PRIMARY KEY REFERENCES chat_turns (seq) ON DELETE CASCADE,
    asked TSVECTOR NOT NULL
  );
  CREATE INDEX turn_words_found ON turn_words USING gin (asked);
  CREATE TABLE chat_parts (
    job_id TEXT NOT NULL,
    part BIGINT NOT NULL,
    answer TEXT NOT NULL,
    reasoning TEXT NOT NULL,
    PRIMARY KEY (job_id, part)
  );
  CREATE TABLE chat_files (
    job_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    thread_id TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    json_bytes BIGINT NOT NULL,
    tokens BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (job_id, position)
  );
  CREATE INDEX chat_files_of_thread ON chat_files (thread_id);
  CREATE TABLE chat_file_parts (
    job_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    part BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (job_id, position, part)
  );
  CREATE TABLE chat_usage (
    job_id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    model TEXT NOT NULL,
    tokens_in BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL
  );
  CREATE INDEX chat_usage_by_time ON chat_usage (owner, created_at);`;
