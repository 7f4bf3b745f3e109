import { AppError } from "./errors.ts";

/** What the two keys are for, and the variables that hold them. */
export const SERVICE_KEYS = {
  apiKey: {
    env: "PIXAZO_API_KEY",
    purpose: "the image gateway",
    name: "Pixazo (the image gateway)",
  },
  chatApiKey: { env: "LONGCAT_API_KEY", purpose: "LongCat chat", name: "LongCat (chat)" },
} as const;
export type ServiceKey = keyof typeof SERVICE_KEYS;

/** With which keys the services are asked. */
export interface Keys {
  /** The key that an owner's calls carry, read anew each time. @throws {configuration} without one */
  of(owner: string, key: ServiceKey): Promise<string>;
}

/** Visible ASCII: what an HTTP header carries unchanged. */
const SENDABLE = /^[!-~]+$/;

/** That there is no key. @param more a sentence about what may have been meant as it. */
export function missingKey(key: ServiceKey, more?: string): AppError {
  const { env, purpose } = SERVICE_KEYS[key];
  const found = more === undefined ? "" : ` ${more}`;
  return new AppError(
    "configuration",
    `No API key for ${purpose} is set: ${env} is missing.${found}`,
    {
      next: `Set ${env} (or ${env}_FILE) and restart the server, or start it with --sandbox, which needs no key.`,
    },
  );
}

/** That one of several users has no key of their own. @param why what is wrong with it, if it is there. */
export function missingOwnKey(key: ServiceKey, why = "is missing"): AppError {
  const { env, purpose } = SERVICE_KEYS[key];
  return new AppError(
    "configuration",
    `This server has no API key for ${purpose} that is this user's own: ${env} ${why}.`,
    {
      next: `Ask whoever runs the server to put the key into the file ${env} of this user's folder in LONGCAT_MCP_KEYS_DIR; it counts at once, without a restart. Nothing was sent.`,
    },
  );
}

/** Whether there is a key, and a request can carry it. */
export function isSendable(value: string | undefined): value is string {
  return value !== undefined && SENDABLE.test(value);
}

/** A key as it can be sent. @throws {configuration} where it is none; nothing is sent then. */
export function sendableKey(key: ServiceKey, value: string | undefined): string {
  if (!value) throw missingKey(key);
  if (isSendable(value)) return value;
  throw new AppError(
    "configuration",
    `${SERVICE_KEYS[key].env} has characters in it that no key has, such as spaces or typographic quotes.`,
  );
}
