/** Who was let in to see the gallery. Of what a browser holds there is a digest alone. */
export const VISIT_TABLES = `
  CREATE TABLE visits (
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    handle TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    voucher TEXT NOT NULL,
    ends_at BIGINT NOT NULL
  );
  CREATE INDEX visits_of_owner ON visits (owner, seq);
  CREATE INDEX visits_by_end ON visits (ends_at);`;
