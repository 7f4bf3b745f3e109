import pino from "pino";
import type { Redact } from "./redact.ts";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The part of pino that this program uses. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A JSON-lines log; every line is redacted as a whole before it is written. */
export function createLog(level: LogLevel, redact: Redact, write: (line: string) => void): Log {
  return pino({ level, base: null }, { write: (line: string) => write(redact(line)) });
}
