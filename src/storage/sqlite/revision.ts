/**
 * As SQL: what every change of a job notes, so that other processes hear of it. Never the one of a
 * job that was deleted, which others have seen.
 */
export const NEXT_REVISION = `(SELECT 1 + max(
  (SELECT coalesce(max(revision), 0) FROM jobs),
  (SELECT coalesce(max(revision), 0) FROM deleted_jobs)))`;
