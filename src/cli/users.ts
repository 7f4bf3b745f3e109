import { systemClock } from "../core/clock.ts";
import { AppError, ERROR_RULES } from "../core/errors.ts";
import type { Settings } from "../settings/settings.ts";
import type { Ending } from "./ending.ts";
import { type Flags, readUserOrder } from "./user-options.ts";

/** Adds, changes, lists, revokes, exports or erases users. */
export async function runUsers(
  { words, flags }: { words: readonly string[]; flags: Flags },
  settings: Settings,
  ending: Ending,
): Promise<void> {
  // Wrong words open nothing.
  const order = readUserOrder(words, flags);
  const [{ withUserRecord }, { userActions }] = await Promise.all([
    import("./user-record.ts"),
    import("./user-actions.ts"),
  ]);
  await withUserRecord(settings, ending, (record) =>
    userActions[order.action](order, {
      ...record,
      settings,
      now: systemClock.now(),
      write: (text) => process.stdout.write(text),
      say: (text) => process.stderr.write(`${text}\n`),
    }),
  ).catch((error: unknown) => {
    throw withAdvice(error);
  });
}

/** Nobody reads the advice of an error on the command line unless its message has it. */
function withAdvice(error: unknown): unknown {
  if (!(error instanceof AppError) || error.next === ERROR_RULES[error.code].next) return error;
  return new AppError(error.code, `${error.message} ${error.next}`, { cause: error });
}
