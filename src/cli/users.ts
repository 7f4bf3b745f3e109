import { systemClock } from "../core/clock.ts";
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
  );
}
