/** What a caller may do; see docs/hosting.md. */
export const SCOPES = ["jobs:read", "jobs:buy", "chat", "admin"] as const;

export type Scope = (typeof SCOPES)[number];

/** What a user may do of whom nothing else was said. */
export const GIVEN_SCOPES: readonly Scope[] = SCOPES.filter((scope) => scope !== "admin");

/** The scopes among some words, and what they imply: who may buy may read. */
export function scopesIn(words: readonly string[]): ReadonlySet<Scope> {
  const named = SCOPES.filter((scope) => words.includes(scope));
  return new Set(named.includes("jobs:buy") ? [...named, "jobs:read" as const] : named);
}

/** Who calls, and what they may do. Only who receives calls says so. */
export interface Caller {
  /** Whose things are read, changed and paid for: `local`, or a random id that is no name. */
  owner: string;
  scopes: ReadonlySet<Scope>;
  /**
   * Whether the caller is somewhere else: everyone over HTTP once users exist. Remote callers read
   * nothing of this machine's disk, and are shown no path of it.
   */
  isRemote: boolean;
}
