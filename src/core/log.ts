import { AsyncLocalStorage } from "node:async_hooks";
import type { Logger } from "pino";
import type { Redact } from "./redact.ts";
import { shortened } from "./text.ts";

export const LOG_LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

type LineLevel = "debug" | "info" | "warn" | "error";

/** On whose behalf something is done. */
export interface LogContext {
  /** Our own name for a client's request. */
  readonly request?: string;
  readonly job?: string;
  /** Of the caller or of the job; see {@link hashedOwner}. */
  readonly owner?: string;
  /** The client's trace, as W3C Trace Context has it. */
  readonly traceparent?: string;
}

/** The part of pino that this program uses, and what lines have in common. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /**
   * Runs something whose lines carry this context, however late they are written; timers and
   * promises that it begins are part of it. It takes the place of the context around it.
   */
  within<T>(context: LogContext, run: () => T): T;
  /** The context of whoever asks. */
  context(): LogContext;
}

const NOBODY: LogContext = {};

/**
 * A JSON-lines log; every line is redacted as a whole before it is written. The library is loaded
 * with the first line that is really written, so a quiet start does not pay for it.
 */
export function createLog(level: LogLevel, redact: Redact, write: (line: string) => void): Log {
  const contexts = new AsyncLocalStorage<LogContext>();
  const context = () => contexts.getStore() ?? NOBODY;
  let loading: Promise<Logger> | undefined;
  const load = async () => {
    const { default: pino } = await import("pino");
    return pino(
      { level, base: null, serializers: { err: loggedError } },
      { write: (line: string) => write(redact(line)) },
    );
  };
  const at = (wanted: LineLevel) => (fields: object, message: string) => {
    if (LOG_LEVELS.indexOf(wanted) > LOG_LEVELS.indexOf(level)) return;
    loading ??= load();
    const line = { ...context(), ...fields };
    loading.then(
      (logger) => logger[wanted](line, message),
      () => write(redact(`${message}\n`)),
    );
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    within: (own, run) => contexts.run(own, run),
    context,
  };
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
