/** Somebody whom a page has let in, as all machines know it. */
export interface StoredVisit {
  /** What it is found by; what a browser holds is told to nobody but that browser. */
  handle: string;
  owner: string;
  /** What vouches for them, as whoever tells callers apart reads it again. No secret. */
  voucher: string;
  /** Milliseconds since the epoch, as everywhere here. */
  endsAt: number;
}

/**
 * Who was let in to see pages: the same for all machines that share it. All methods throw {storage}
 * when the record cannot be used.
 */
export interface VisitRecord {
  /** Records a visit. Of its owner's, those go first that began first, so that no more than `most` are left. */
  begin(visit: StoredVisit, most: number, now: number): Promise<void>;
  /** Finds a visit that is not over. */
  find(handle: string, now: number): Promise<StoredVisit | undefined>;
  end(handle: string): Promise<void>;
}
