/** A table that goes along, as both databases have it. */
export interface MovedTable {
  name: string;
  /** What goes along as it is, or as {@link MovedTable} says. */
  columns: readonly string[];
  /** What stays behind of it, and why. */
  left?: Readonly<Record<string, string>>;
  /** The column that its rows are found by. */
  key?: string;
  /** It has an `owner`. */
  isOwned?: true;
  /** Rows are in the order of a `seq` of their own. */
  isNumbered?: true;
  /** Columns that hold a number of another table's. */
  numbers?: Readonly<Record<string, "chat_turns" | "audit_log">>;
  /** Columns that hold JSON. */
  json?: readonly string[];
  /** What belongs to jobs that are under way goes last, with them. */
  isOfJobs?: true;
  /** It only grows: what has gone along stays there when everything else is taken back. */
  onlyGrows?: true;
}

const MADE_ANEW = "numbered by each database itself";
const NOBODY = "nobody follows a job that has just come";

/** In this order: what others lean on first. */
export const MOVED_TABLES: readonly MovedTable[] = [
  {
    name: "users",
    columns: [
      ...["user_id", "name", "scopes", "per_day_usd", "per_month_usd", "issuer", "subject"],
      ...["forgotten_subject", "token_hash", "token_made_at", "expires_at", "created_at"],
      ...["revoked_at", "erased_at"],
    ],
    key: "user_id",
  },
  { name: "issuers", columns: ["issuer", "started_at"], key: "issuer" },
  {
    name: "chat_turns",
    columns: ["seq", "job_id", "thread_id", "request", "outcome", "is_open", "created_at"],
    ...{ key: "job_id", isNumbered: true, json: ["request", "outcome"], isOfJobs: true },
  },
  {
    name: "chat_threads",
    columns: ["thread_id", "owner", "title", "latest", "created_at", "updated_at"],
    ...{ key: "thread_id", isOwned: true, numbers: { latest: "chat_turns" }, isOfJobs: true },
  },
  {
    name: "chat_parts",
    columns: ["job_id", "part", "answer", "reasoning"],
    ...{ key: "job_id", isOfJobs: true },
  },
  {
    name: "chat_files",
    columns: [
      ...["job_id", "position", "thread_id", "name", "sha256", "size_bytes", "json_bytes"],
      ...["tokens", "created_at"],
    ],
    ...{ key: "job_id", isOfJobs: true },
  },
  {
    name: "chat_file_parts",
    columns: ["job_id", "position", "part", "created_at", "content"],
    ...{ key: "job_id", isOfJobs: true },
  },
  {
    name: "chat_usage",
    columns: ["job_id", "owner", "created_at", "model", "tokens_in", "tokens_out"],
    ...{ key: "job_id", isOwned: true },
  },
  {
    name: "jobs",
    columns: [
      ...["seq", "job_id", "owner", "operation", "thread_id", "base_url", "save_to", "state"],
      ...["charge", "request_id", "request_claim", "upstream_status", "created_at", "updated_at"],
      ...["accepted_at", "completed_at", "delivered_at", "mentioned_at", "settled_at"],
      ...["fingerprint", "idempotency_key", "reserved_usd", "cost_usd", "error", "media_urls"],
      ...["media", "warnings", "warnings_told", "orphaned"],
    ],
    left: { revision: MADE_ANEW, lease_holder: NOBODY },
    ...{ key: "job_id", isOwned: true, isNumbered: true, isOfJobs: true },
    json: ["error", "media_urls", "media", "warnings"],
  },
  {
    name: "job_bodies",
    columns: ["job_id", "input", "wire"],
    ...{ key: "job_id", json: ["input", "wire"], isOfJobs: true },
  },
  {
    name: "deleted_jobs",
    columns: [
      ...["job_id", "owner", "operation", "base_url", "request_id", "charge", "reserved_usd"],
      ...["cost_usd", "created_at", "deleted_at", "idempotency_key", "fingerprint"],
      ...["duplicates_until", "indexes"],
    ],
    left: { revision: MADE_ANEW },
    ...{ key: "job_id", isOwned: true },
  },
  {
    name: "doomed_files",
    columns: ["job_id", "ref", "owner"],
    ...{ key: "job_id", isOwned: true },
  },
  {
    name: "hosted_files",
    columns: ["job_id", "name", "owner", "size_bytes", "holder", "claimed_at"],
    ...{ key: "job_id", isOwned: true, isOfJobs: true },
  },
  {
    name: "uploads",
    columns: [
      ...["upload_id", "owner", "secret_hash", "filename", "created_at", "ends_at", "file"],
      ...["kind", "mime_type", "extension", "size_bytes", "sha256", "received_at", "kept_until"],
    ],
    ...{ key: "upload_id", isOwned: true },
  },
  {
    name: "webhook_secrets",
    columns: ["job_id", "digest", "handle", "owner", "created_at"],
    ...{ key: "job_id", isOwned: true, isOfJobs: true },
  },
  {
    name: "webhook_calls",
    columns: ["job_id", "request_id", "owner", "heard_at"],
    left: { taken_by: NOBODY, taken_at: NOBODY },
    ...{ key: "job_id", isOwned: true, isOfJobs: true },
  },
  {
    name: "audit_log",
    columns: [
      ...["seq", "at", "event", "owner", "tool", "job_id", "request_id", "thread_id", "state"],
      ...["charge", "usd", "address"],
    ],
    ...{ isOwned: true, isNumbered: true, onlyGrows: true },
  },
  {
    name: "refused_logins",
    columns: ["seq", "count"],
    ...{ numbers: { seq: "audit_log" }, onlyGrows: true },
  },
];

/** What stays behind, and why. */
export const LEFT_TABLES: Readonly<Record<string, string>> = {
  store_secret: "goes along when a move begins, as one value",
  closed: "goes along when a move begins, as one value",
  answered_questions: "goes along when a move begins: each is good for some minutes",
  holders: NOBODY,
  job_figures: "sums, which the other database makes of its jobs",
  money_days: "sums, which the other database makes of its jobs",
  kept_sums: "sums, which the other database makes of its jobs",
  job_words: "made anew of the jobs",
  turn_words: "made anew of the turns",
  pending_words: "made anew of the jobs",
  search_filling: "made anew of the jobs",
};

/** Tables that a database keeps for another one. */
export const LEFT_SHADOWS = /^(?:job|turn)_words_/;
