import { AppError } from "../core/errors.ts";
import type { Asking } from "../core/question.ts";
import type { AskedCall } from "./asked-call.ts";

/**
 * Runs a call, asks whatever would let it go on where it is refused, and runs it again with what
 * was agreed to, or without it where it was only an offer. Nothing of a run that is refused stays behind, so that nothing is done before.
 * @param run goes as far as it may with what was agreed to; `undefined` where nobody can be asked.
 * @returns what the call came to; `undefined` when the question itself is sent as its answer.
 * @throws what `run` throws, in the end with what the user said to it
 */
export async function whileAsking<T>(
  call: AskedCall | undefined,
  run: (asking: Asking | undefined) => Promise<T>,
): Promise<T | undefined> {
  if (!call) return run(undefined);
  for (;;) {
    try {
      return await call.run(run);
    } catch (error) {
      if (!(error instanceof AppError) || !error.question) throw error;
      const asked = await call.ask(error.question);
      if (asked.kind === "sent") return undefined;
      if (asked.kind === "refused") throw withWord(error, asked.said);
    }
  }
}

/** The refusal as it is without a question, and why it stands. */
function withWord(error: AppError, said: string): AppError {
  return new AppError(error.code, error.message, { cause: error, next: `${said} ${error.next}` });
}
