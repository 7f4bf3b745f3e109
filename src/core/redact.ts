const MIN_SECRET_LENGTH = 6;
const MASK = "[key removed]";

/** Replaces secrets in text. */
export type Redact = (text: string) => string;

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
  return (text) => needles.reduce((result, needle) => result.replaceAll(needle, MASK), text);
}
