/** Which questions were answered, until their answers are too old anyway. */
export const QUESTION_TABLES = `
  CREATE TABLE answered_questions (
    question TEXT NOT NULL PRIMARY KEY,
    ends_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;`;
