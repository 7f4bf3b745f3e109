import type * as z from "zod";
import type { AnyOperation, Operation } from "./operation.ts";

/** Checks an operation's types against each other and hides its input type behind `prepare`. */
export function defineOperation<I extends z.ZodObject>(operation: Operation<I>): AnyOperation {
  const { toWire, warnings, files = [], ...rest } = operation;
  return {
    ...rest,
    files,
    prepare(args, resolved = {}) {
      const input = operation.input.parse(args);
      const replaced = Object.entries(resolved).map(([name, values]) => [
        name,
        Array.isArray(args[name]) ? values : values[0],
      ]);
      const sent =
        replaced.length === 0
          ? input
          : operation.input.parse({ ...input, ...Object.fromEntries(replaced) });
      return {
        input: withoutUnset(input),
        wire: withoutUnset(toWire(sent)),
        warnings: warnings?.(input) ?? [],
      };
    },
  };
}

/** The same value without `undefined` fields: what is not set is not sent. */
function withoutUnset(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}
