/** A service as each owner uses it: with that owner's key, and nobody else's. */
export interface PerOwner<T> {
  of(owner: string): T;
}

/** Makes a service for each owner at the first use, and keeps it. */
export function perOwner<T>(make: (owner: string) => T): PerOwner<T> {
  const made = new Map<string, T>();
  return {
    of(owner) {
      const known = made.get(owner) ?? make(owner);
      made.set(owner, known);
      return known;
    },
  };
}
