const REMEMBERED = 1_000;

/** The results that a connection was given already: the last thousand of them. */
export class SeenResults {
  readonly #jobIds = new Set<string>();

  has(jobId: string): boolean {
    return this.#jobIds.has(jobId);
  }

  add(jobId: string): void {
    this.#jobIds.delete(jobId);
    this.#jobIds.add(jobId);
    for (const oldest of this.#jobIds) {
      if (this.#jobIds.size <= REMEMBERED) break;
      this.#jobIds.delete(oldest);
    }
  }
}
