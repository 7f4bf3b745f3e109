import { AppError, ERROR_RULES } from "../core/errors.ts";

/** Nobody reads the advice of an error on the command line unless its message has it. */
export function withAdvice(error: unknown): unknown {
  if (!(error instanceof AppError) || error.next === ERROR_RULES[error.code].next) return error;
  return new AppError(error.code, `${error.message} ${error.next}`, { cause: error });
}
