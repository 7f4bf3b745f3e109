import type { Logger } from "pino";
import type { Redact } from "./redact.ts";
import { shortened } from "./text.ts";

export const LOG_LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The part of pino that this program uses. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * A JSON-lines log; every line is redacted as a whole before it is written. The library is loaded
 * with the first line that is really written, so a quiet start does not pay for it.
 */
export function createLog(level: LogLevel, redact: Redact, write: (line: string) => void): Log {
  let loading: Promise<Logger> | undefined;
  const load = async () => {
    const { default: pino } = await import("pino");
    return pino(
      { level, base: null, serializers: { err: loggedError } },
      { write: (line: string) => write(redact(line)) },
    );
  };
  const at = (wanted: keyof Log) => (fields: object, message: string) => {
    if (LOG_LEVELS.indexOf(wanted) > LOG_LEVELS.indexOf(level)) return;
    loading ??= load();
    loading.then(
      (logger) => logger[wanted](fields, message),
      () => write(redact(`${message}\n`)),
    );
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** What a line may hold of an error's own words. */
const MAX_WORDS = 2_000;

/** What is logged of an error: none of its other fields, which may be headers or whole requests. */
function loggedError(thrown: unknown): Record<string, unknown> {
  if (!(thrown instanceof Error)) return { message: errorWords(thrown) };
  const { stack, cause } = thrown;
  return {
    message: errorWords(thrown),
    ...("code" in thrown && typeof thrown.code === "string" ? { code: thrown.code } : {}),
    ...(typeof stack === "string" ? { stack: shortened(stack, MAX_WORDS) } : {}),
    ...(cause === undefined ? {} : { cause: errorWords(cause) }),
  };
}

/** Anything thrown, in its own words only. */
export function errorWords(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return shortened(`${thrown.name}: ${thrown.message}`, MAX_WORDS);
  } catch {
    // An error whose words cannot be read says nothing.
  }
  return typeof thrown === "string"
    ? shortened(thrown, MAX_WORDS)
    : `something that is no error (${typeof thrown})`;
}
