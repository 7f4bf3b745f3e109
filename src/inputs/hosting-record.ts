/** Bytes that have been read and written down, and are not served yet. */
export interface StagedFile {
  name: string;
  /** Where the provider will find them once their job is about to be sent. */
  url: string;
  sha256: string;
  sizeBytes: number;
  path: string;
}

/** A file that a job needs. */
export interface NeededFile {
  name: string;
  sizeBytes: number;
}

/** What an owner's job is about to need. */
export interface Claim {
  owner: string;
  jobId: string;
  files: readonly StagedFile[];
  /** The most that the jobs of all owners may need together. */
  maxBytes: number;
  /** The most of it that this owner's may need; all of it when absent. */
  maxOwnBytes?: number | undefined;
}

/** What a claim comes to. */
export interface Claimed {
  isNoted: boolean;
  /** What other jobs of the owner need. */
  usedBytes: number;
  /** What this one would add to that. */
  addedBytes: number;
}

/**
 * Which job needs which file, and whose both are. Files of one owner that have the same content are
 * one. Whoever names another owner's job names one that needs nothing.
 *
 * What is done to the files themselves is handed in and done while no process changes the record or
 * does anything to a file, so that of several on one folder none removes what another just counts
 * on. It must be quick; where it fails, the record is as it was.
 */
export interface HostingRecord {
  /**
   * Notes what a job needs, unless all that jobs need would then be more than may be, each file
   * counted once.
   */
  claim(claim: Claim, place: (file: StagedFile) => Promise<void>): Promise<Claimed>;
  /** What {@link HostingRecord.claim} would come to; notes nothing. */
  wouldClaim(claim: Claim): Promise<Claimed>;
  filesOf(owner: string, jobId: string): Promise<NeededFile[]>;
  /** Does something with each file that a job still needs. */
  holding(owner: string, jobId: string, use: (file: NeededFile) => Promise<void>): Promise<void>;
  /** Forgets what a job needs. @param remove for what nobody needs any more. */
  release(owner: string, jobId: string, remove: (name: string) => Promise<void>): Promise<void>;
  /** @param remove for those of the names that nobody needs. */
  clear(names: readonly string[], remove: (name: string) => Promise<void>): Promise<void>;
  /** Jobs of all owners whose files are recorded and that need them no more. */
  overdue(): Promise<{ owner: string; jobId: string }[]>;
}
