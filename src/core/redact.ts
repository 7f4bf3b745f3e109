const MIN_SECRET_LENGTH = 6;
const MASK = "[key removed]";

/** Replaces secrets in text. */
export interface Redact {
  (text: string): string;
  /** How many of a text's last characters may be the beginning of a secret that goes on after it. */
  openEnd(text: string): number;
}

/**
 * A function that takes the given secrets out of any text, also where they stand URL-encoded.
 * Values too short to be a key are left alone: masking them would only garble text.
 */
export function createRedact(secrets: readonly (string | undefined)[]): Redact {
  const needles = [
    ...new Set(
      secrets
        .filter((secret) => secret !== undefined && secret.length >= MIN_SECRET_LENGTH)
        .flatMap((secret) => (secret ? [secret, encodeURIComponent(secret)] : [])),
    ),
  ];
  const longest = Math.max(0, ...needles.map((needle) => needle.length));
  const openEnd = (text: string) => {
    for (let at = Math.max(0, text.length - longest + 1); at < text.length; at++) {
      const end = text.slice(at);
      if (needles.some((needle) => needle.startsWith(end))) return end.length;
    }
    return 0;
  };
  return Object.assign(
    (text: string) => needles.reduce((result, needle) => result.replaceAll(needle, MASK), text),
    { openEnd },
  );
}
